/** Reads the configuration once: default.yaml ← config/local.yaml or --config ← environment ← flags. */
import { isAbsolute, join, relative, resolve } from 'node:path'
import { checkSafety } from './check-safety.ts'
import { ConfigError, type ConfigProblem, type Source } from './config-error.ts'
import { derive } from './derive.ts'
import { devSettings } from './dev-mode.ts'
import { readOwnVariables, readWellKnownVariables, type Environment } from './environment.ts'
import { configKeys, nest } from './config-keys.ts'
import { createMerge, type Entries, type Entry } from './merge.ts'
import { readConfigFile, type FileSettings } from './read-file.ts'
import type { Config } from './config.ts'
import type { GivenValue } from './given-value.ts'
import { findWarnings } from './warnings.ts'
import type { Finding } from './check-webhooks.ts'

export const defaultConfigFile = join(import.meta.dirname, '..', '..', 'config', 'default.yaml')

export type LoadOptions = {
  /** Instead of config/local.yaml, which may be absent; this one may not. */
  configFile?: string | undefined
  /** Default: the environment of this process. */
  env?: Environment
  /** Dotted keys, e.g. `storage.driver`; texts are read as in variables. `port` changes the port of server.listen alone. */
  flags?: Readonly<Record<string, unknown>>
  /** Where relative paths begin. Given, relative paths in the result become absolute; default: the working directory. */
  cwd?: string
  /** Development mode: its settings, and refused off loopback unless `remote`. */
  dev?: boolean
  /** Development on all interfaces, where every request needs a token. */
  remote?: boolean
}

export type LoadedConfig = {
  /** Frozen; sizes in bytes, durations in seconds. */
  readonly config: Config
  readonly sources: ReadonlyMap<string, Source>
  readonly entries: ReadonlyMap<string, Entry>
  /** Sentences for the log: nothing that stops the start. */
  readonly warnings: readonly string[]
  /**
   * What the same files, variables and flags mean with another driver, whose variables count then: for the files that
   * are still in its store. Errors: ConfigError.
   */
  withDriver(driver: Config['storage']['driver']): Config
}

/** Throws `ConfigError` with everything that is wrong, across all files, variables and flags. */
export function loadConfig(o: LoadOptions = {}): LoadedConfig {
  const env = o.env ?? process.env
  const cwd = resolve(o.cwd ?? process.cwd())
  const defaults = readConfigFile(defaultConfigFile, 'config/default.yaml')
  const local = readUserFile(o.configFile, cwd)
  const own = readOwnVariables(env, cwd)
  const flags = readFlags(o.flags ?? {})

  const merge = createMerge()
  const { entries, invalid, problems } = merge
  problems.push(...defaults.problems, ...local.problems, ...own.problems)
  for (const setting of defaults.settings) merge.apply({ ...setting, source: { from: 'default' } })
  for (const setting of o.dev ? devSettings : []) merge.apply(setting)
  for (const setting of local.settings) merge.apply(setting)
  for (const setting of otherVariables(env, [...own.settings, ...flags], entries)) merge.apply(setting)
  for (const setting of [...own.settings, ...flags]) merge.apply(setting)

  // A key that could not be read kept what it had before; without that there is nothing to check against.
  const absent = [...configKeys.keys()].filter((key) => !entries.has(key) && !invalid.has(key))
  for (const key of absent)
    problems.push({ source: { from: 'default' }, key, message: 'is missing in config/default.yaml.' })
  if (entries.size < configKeys.size) throw new ConfigError(problems)

  derive(entries, { cwd: o.cwd === undefined ? null : cwd })
  const config = deepFreeze(nest([...entries].map(([key, { value }]) => [key, value] as const))) as Config
  for (const finding of checkSafety(config, { dev: o.dev ?? false, remote: o.remote ?? false })) {
    if (!invalid.has(keyOf(finding))) problems.push(located(finding, entries, local.settings))
  }
  if (problems.length > 0) throw new ConfigError(problems)
  const sources = new Map([...entries].map(([key, { source }]) => [key, source] as const))
  const withDriver = (driver: Config['storage']['driver']): Config =>
    loadConfig({ ...o, flags: { ...o.flags, 'storage.driver': driver } }).config
  return { config, sources, entries, warnings: findWarnings(config, sources, env), withDriver }
}

/**
 * Variables that belong to others too. Where our own variables or flags settle a key, what these say does not matter,
 * nor has to make sense.
 */
function otherVariables(env: Environment, ours: readonly GivenValue[], entries: Entries): GivenValue[] {
  const settled = new Set(ours.map(({ key }) => (key === 'port' ? 'server.listen' : key)))
  const lastDriver = ours.findLast(({ key }) => key === 'storage.driver')
  const driver = lastDriver ? lastDriver.value : entries.get('storage.driver')?.value
  const known = readWellKnownVariables(env, driver).filter(({ key }) => !settled.has(key))
  if (!env['PORT'] || settled.has('server.listen')) return known
  return [...known, { key: 'port', value: env['PORT'], text: true, source: { from: 'variable', name: 'PORT' } }]
}

function readUserFile(configFile: string | undefined, cwd: string): FileSettings {
  const path = resolve(cwd, configFile ?? join('config', 'local.yaml'))
  const short = relative(cwd, path)
  const name = short.startsWith('..') || isAbsolute(short) ? path : short
  return readConfigFile(path, name, { optional: configFile === undefined })
}

function readFlags(flags: Readonly<Record<string, unknown>>): GivenValue[] {
  return Object.entries(flags)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({ key, value, text: typeof value === 'string', source: { from: 'flag' as const } }))
}

/** `keys[0].owner` → `keys` */
const keyOf = ({ key }: Finding): string => key.replace(/\[.*$/, '')

function located(finding: Finding, entries: Entries, fileSettings: readonly GivenValue[]): ConfigProblem {
  const key = keyOf(finding)
  const source: Source = entries.get(key)?.source ?? { from: 'default' }
  if (source.from !== 'file') return { source, ...finding }
  const inside = [...finding.key.slice(key.length).matchAll(/\[(\d+)\]|\.(\w+)/g)].map(
    ([, index, name]) => index ?? name ?? '',
  )
  const line = fileSettings.findLast((setting) => setting.key === key)?.line?.(inside)
  return { source: { ...source, line: line ?? source.line }, ...finding }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const inner of Object.values(value)) deepFreeze(inner)
    Object.freeze(value)
  }
  return value
}
