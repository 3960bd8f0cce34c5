/** The effective configuration as a list for the console: each key with its description, value and source. */
import { readFileSync } from 'node:fs'
import { isMap, isScalar, parseDocument, type YAMLMap } from 'yaml'
import { describeSource, type Source } from './config-error.ts'
import { configKeys, secretKeys } from './config-keys.ts'
import { defaultConfigFile, type LoadedConfig } from './load-config.ts'
import type { Config } from './config.ts'
import { maskValue } from './show-config.ts'

export type ListedSetting = {
  /** Dotted. */
  key: string
  /** As written in a file, with secrets masked. */
  value: unknown
  default: unknown
  /** `program` is a value that the embedding program passed to `createGateway`. */
  source: { from: Source['from'] | 'program'; text: string }
  /** The environment variable that sets it. */
  variable: string
  secret: boolean
  /** The comment of config/default.yaml. */
  description: string
}

/** In the order of the schema. `loaded` is null if the configuration was not read from files. */
export function listSettings(config: Config, loaded: LoadedConfig | null): ListedSetting[] {
  const defaults = readDefaults()
  return [...configKeys.values()].map(({ key, variable }) => {
    const entry = loaded?.entries.get(key)
    const known = defaults.get(key)
    return {
      key,
      value: maskValue(key, entry ? entry.written : written(valueAt(config, key))),
      default: known?.value ?? null,
      source: entry
        ? { from: entry.source.from, text: describeSource(entry.source) }
        : { from: 'program' as const, text: 'the program that runs the gateway' },
      variable,
      secret: secretKeys.has(key),
      description: known?.comment ?? '',
    }
  })
}

const valueAt = (config: Config, key: string): unknown =>
  key.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], config)

/** Addresses are the only values that parsing splits. */
function written(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('host' in value && 'port' in value)) return value
  const host = String(value.host)
  return `${host.includes(':') ? `[${host}]` : host}:${String(value.port)}`
}

type Default = { value: unknown; comment: string }

let read: ReadonlyMap<string, Default> | null = null

/** Read once, because the file does not change while the program runs. */
function readDefaults(): ReadonlyMap<string, Default> {
  if (read) return read
  const found = new Map<string, Default>()
  const { contents } = parseDocument(readFileSync(defaultConfigFile, 'utf8'))
  if (isMap(contents)) collect(contents, '', found)
  return (read = found)
}

function collect(map: YAMLMap, path: string, found: Map<string, Default>): void {
  // YAML assigns a comment above the first key to the map. A comment above two keys describes both.
  let comment = (path === '' ? null : map.commentBefore) ?? ''
  for (const { key, value } of map.items) {
    if (!isScalar(key)) continue
    const name = path === '' ? String(key.value) : `${path}.${String(key.value)}`
    comment = key.commentBefore ?? comment
    if (configKeys.has(name)) found.set(name, { value: plain(value), comment: oneLine(comment) })
    else if (isMap(value)) collect(value as YAMLMap, name, found)
  }
}

const plain = (value: unknown): unknown => (value as { toJSON(): unknown } | null)?.toJSON() ?? null

/** Joins the lines of a comment. */
const oneLine = (comment: string): string =>
  comment
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .trim()
