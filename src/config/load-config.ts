/** Reads the configuration once: default.yaml ← config/local.yaml or --config ← environment ← flags. */
import { existsSync } from 'node:fs'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { checkSafety, type Finding } from './check-safety.ts'
import { ConfigError, type ConfigProblem, type Source } from './config-error.ts'
import { derive } from './derive.ts'
import { readOwnVariables, readWellKnownVariables, type Environment } from './environment.ts'
import { configKeys, configSections, nest } from './keys.ts'
import { nearestKey } from './nearest.ts'
import { checkSupported } from './not-yet.ts'
import { readConfigFile } from './read-file.ts'
import type { Config } from './schema.ts'
import { understand, type Setting } from './setting.ts'
import type { ListenAddress } from './values.ts'
import { findWarnings } from './warnings.ts'

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
  /** `serve --dev`: refused off loopback. */
  dev?: boolean
}

/** One key as it came out: the value in use, and how a file would hold it. */
export type Entry = { value: unknown; written: unknown; source: Source }
export type Entries = Map<string, Entry>

export type LoadedConfig = {
  /** Frozen; sizes in bytes, durations in seconds. */
  readonly config: Config
  readonly sources: ReadonlyMap<string, Source>
  readonly entries: ReadonlyMap<string, Entry>
  /** Sentences for the log: nothing that stops the start. */
  readonly warnings: readonly string[]
}

/** Throws `ConfigError` with everything that is wrong, across all files, variables and flags. */
export function loadConfig(o: LoadOptions = {}): LoadedConfig {
  const env = o.env ?? process.env
  const cwd = resolve(o.cwd ?? process.cwd())
  const entries: Entries = new Map()
  const problems: ConfigProblem[] = []
  const invalid = new Set<string>()

  function apply(setting: Setting): void {
    const key = configKeys.get(setting.key)
    if (!key) {
      const near = nearestKey(setting.key, [...configKeys.keys()])
      const isSection = configSections.has(setting.key)
      const message = isSection ? 'is a section: set one of its keys.' : 'there is no such key.'
      problems.push({
        source: setting.source,
        key: setting.key,
        message,
        ...(near && !isSection ? { nearest: near } : {}),
      })
      return
    }
    const understood = understand(key, setting)
    if (understood.ok) {
      const { value, written } = understood
      entries.set(setting.key, { value, written, source: setting.source })
    } else {
      problems.push(...understood.problems)
      invalid.add(setting.key)
    }
  }

  function applyPort(text: unknown, source: Source): void {
    const { host } = (entries.get('server.listen')?.value ?? { host: '127.0.0.1' }) as ListenAddress
    const port = /^\d{1,5}$/.test(String(text)) && Number(text) <= 65_535
    if (port)
      apply({ key: 'server.listen', value: `${host.includes(':') ? `[${host}]` : host}:${text}`, text: true, source })
    else
      problems.push({
        source,
        key: 'server.listen',
        message: `expects a port from 0 to 65535, not ${JSON.stringify(text)}.`,
      })
  }

  const defaults = readConfigFile(defaultConfigFile, 'config/default.yaml')
  for (const setting of defaults.settings) apply({ ...setting, source: { from: 'default' } })
  const file = userFile(o.configFile, cwd)
  const local = file === null ? { settings: [], problems: [] } : readConfigFile(file.path, file.name)
  const own = readOwnVariables(env, cwd)
  const flags = readFlags(o.flags ?? {})
  problems.push(...defaults.problems, ...local.problems, ...own.problems)

  for (const setting of local.settings) apply(setting)
  const lastDriver = [...own.settings, ...flags].findLast(({ key }) => key === 'storage.driver')
  const driver = lastDriver ? lastDriver.value : entries.get('storage.driver')?.value
  // What other programs' variables say does not matter, nor has to make sense, where our own say otherwise.
  const settled = new Set([...own.settings, ...flags].map(({ key }) => (key === 'port' ? 'server.listen' : key)))
  for (const setting of readWellKnownVariables(env, driver)) {
    if (!settled.has(setting.key)) apply(setting)
  }
  if (env['PORT'] && !settled.has('server.listen')) applyPort(env['PORT'], { from: 'variable', name: 'PORT' })
  for (const setting of own.settings) apply(setting)
  for (const setting of flags) {
    if (setting.key === 'port') applyPort(setting.value, setting.source)
    else apply(setting)
  }

  for (const key of configKeys.keys()) {
    if (entries.has(key) || invalid.has(key)) continue
    problems.push({ source: { from: 'default' }, key, message: 'is missing in config/default.yaml.' })
  }
  // Values that could not be read have left their default behind; without one there is nothing to check against.
  if ([...configKeys.keys()].some((key) => !entries.has(key))) throw new ConfigError(problems)

  derive(entries, { cwd: o.cwd === undefined ? null : cwd })
  const config = deepFreeze(nest([...entries].map(([key, { value }]) => [key, value] as const))) as Config
  for (const finding of [...checkSafety(config, { dev: o.dev ?? false }), ...checkSupported(config)]) {
    if (!invalid.has(keyOf(finding))) problems.push(located(finding, entries, local.settings))
  }
  if (problems.length > 0) throw new ConfigError(problems)
  const sources = new Map([...entries].map(([key, { source }]) => [key, source] as const))
  return { config, sources, entries, warnings: findWarnings(config, sources, env) }
}

function userFile(configFile: string | undefined, cwd: string): { path: string; name: string } | null {
  const path = resolve(cwd, configFile ?? join('config', 'local.yaml'))
  if (configFile === undefined && !existsSync(path)) return null
  const short = relative(cwd, path)
  return { path, name: short.startsWith('..') || isAbsolute(short) ? path : short }
}

function readFlags(flags: Readonly<Record<string, unknown>>): Setting[] {
  return Object.entries(flags)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({ key, value, text: typeof value === 'string', source: { from: 'flag' as const } }))
}

/** `keys[0].owner` → `keys` */
const keyOf = ({ key }: Finding): string => key.replace(/\[.*$/, '')

function located(finding: Finding, entries: Entries, fileSettings: readonly Setting[]): ConfigProblem {
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
