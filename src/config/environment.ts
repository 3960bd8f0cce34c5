/** Reads settings from environment variables. No code outside this folder may read `process.env`. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { cannotOpen } from '../cannot-open.ts'
import type { DriverRegistration } from '../drivers/registration.ts'
import { registrationOf, registrations } from '../drivers/registry.ts'
import type { ConfigProblem } from './config-error.ts'
import { configKeys } from './config-keys.ts'
import { nearest } from './nearest.ts'
import type { GivenValue } from './given-value.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const byVariable = new Map([...configKeys.values()].map((leaf) => [leaf.variable, leaf.key]))

/** Kubernetes sets these variables for a service named `postern`. */
function isServiceLink(name: string, value: string): boolean {
  if (name === 'POSTERN_PORT') return /^(tcp|udp):/.test(value)
  return /^POSTERN_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT_\d+_(TCP|UDP)(_(PROTO|PORT|ADDR))?)$/.test(name)
}

/** Variables that `postern exec` sets for its command, or that `postern dev` reads. They are not settings. */
const isForChildren = (name: string): boolean =>
  name === 'POSTERN_URL' || name === 'POSTERN_DEV_REMOTE' || name.startsWith('POSTERN_TEST_')

/**
 * The `POSTERN_` variables. `…_FILE` names a file that holds the value. An empty variable counts as not set.
 * Every other `POSTERN_` name is an error.
 */
export function readOwnVariables(env: Environment, cwd: string): { settings: GivenValue[]; problems: ConfigProblem[] } {
  const settings: GivenValue[] = []
  const problems: ConfigProblem[] = []
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('POSTERN_') || value === undefined || value === '') continue
    const source = { from: 'variable' as const, name }
    const key = byVariable.get(name)
    if (key !== undefined) {
      settings.push({ key, value: key === 'server.listen' ? withPort(value, env) : value, text: true, source })
      continue
    }
    const fileOf = name.endsWith('_FILE') ? byVariable.get(name.slice(0, -'_FILE'.length)) : undefined
    if (fileOf === undefined) {
      if (isServiceLink(name, value) || isForChildren(name)) continue
      const near = nearestVariable(name)
      problems.push({
        source,
        key: null,
        message: 'is not a setting.',
        ...(near === undefined ? {} : { nearest: near }),
      })
    } else if (env[name.slice(0, -'_FILE'.length)]) {
      problems.push({ source, key: fileOf, message: `set either this or ${name.slice(0, -'_FILE'.length)}, not both.` })
    } else {
      try {
        const content = readFileSync(resolve(cwd, value), 'utf8').replace(/\r?\n$/, '')
        settings.push({ key: fileOf, value: content, text: true, source })
      } catch (cause) {
        const file = cannotOpen(resolve(cwd, value), cause, { to: 'read', or: `name another file in ${name}` })
        problems.push({ source, key: fileOf, message: `the file ${file}` })
      }
    }
  }
  return { settings, problems }
}

/** Compares the part after `POSTERN_`. Otherwise finds a variable that ends in it, as for `POSTERN_MAX_SIZE`. */
function nearestVariable(name: string): string | undefined {
  const part = name.slice('POSTERN_'.length)
  const parts = [...byVariable.keys()].map((known) => known.slice('POSTERN_'.length))
  const near = nearest(part, parts) ?? parts.find((known) => known.endsWith(`_${part}`))
  return near === undefined ? undefined : `POSTERN_${near}`
}

/** Expands `0.0.0.0:$PORT`, because some hosting panels do not expand variables. */
const withPort = (text: string, { PORT }: Environment): string =>
  text.replace(/\$(PORT|\{PORT\})$/, (all) => PORT ?? all)

/** `DATABASE_URL` and the variables of the current driver, whose names other tools use too. */
export function readWellKnownVariables(env: Environment, driver: unknown): GivenValue[] {
  const ofDriver = registrations().find(({ name }) => name === driver)?.variables ?? []
  return [{ key: 'database.url', names: ['DATABASE_URL'] }, ...ofDriver].flatMap(({ key, names }) => {
    const name = names.find((candidate) => env[candidate])
    if (name === undefined) return []
    return [{ key, value: env[name], text: true, source: { from: 'variable' as const, name } }]
  })
}

/** A variable that names a bucket, although the current driver ignores it. `driver` is the one that reads it. */
export function ignoredBucketVariable(env: Environment, driver: string): { name: string; driver: string } | undefined {
  const bucketNames = ({ variables }: DriverRegistration): readonly string[] =>
    variables.find(({ key }) => key === 'storage.bucket')?.names ?? []
  if (bucketNames(registrationOf(driver)).length > 0) return undefined
  for (const other of registrations()) {
    const name = bucketNames(other).find((candidate) => env[candidate])
    if (name !== undefined) return { name, driver: other.name }
  }
  return undefined
}

/** The seed of a test run, by which random choices are repeated. null if there is none. */
export function testSeed(env: Environment = process.env): number | null {
  const text = env['POSTERN_TEST_SEED'] ?? ''
  const seed = Number(text)
  return text !== '' && Number.isSafeInteger(seed) && seed >= 0 ? seed : null
}
