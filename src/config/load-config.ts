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
  /** Replaces config/local.yaml. Unlike config/local.yaml, it must exist. */
  configFile?: string | undefined
  /** Default: the environment of this process. */
  env?: Environment
  /** Dotted keys, e.g. `storage.driver`. Strings are parsed as in variables. `port` changes only the port of server.listen. */
  flags?: Readonly<Record<string, unknown>>
  /** The base of relative paths. If set, paths in the result are absolute. Default: the working directory. */
  cwd?: string
  /** Applies the settings of development mode. Refuses addresses other than loopback unless `remote`. */
  dev?: boolean
  /** Development mode on all interfaces. Every request then needs a token. */
  remote?: boolean
}

export type LoadedConfig = {
  /** Frozen. Sizes are bytes, durations are seconds. */
  readonly config: Config
  readonly sources: ReadonlyMap<string, Source>
  readonly entries: ReadonlyMap<string, Entry>
  /** Sentences for the log. They do not stop the start. */
  readonly warnings: readonly string[]
  /**
   * The configuration from the same files, variables and flags with another driver and its variables. Used for files that
   * are still in that driver's store. Errors: ConfigError.
   */
  withDriver(driver: Config['storage']['driver']): Config
}

/** Throws `ConfigError` with the problems of all files, variables and flags. */
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

  // An invalid value leaves the previous one in place. Without any value, the rules between keys cannot be checked.
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
 * Variables that other programs use too. They are ignored, even if invalid, if a `POSTERN_` variable or a flag sets the
 * same key.
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
