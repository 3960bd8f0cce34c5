/** Merges settings. Later ones override earlier ones. */
import type { ConfigProblem, Source } from './config-error.ts'
import { configKeys, configSections } from './config-keys.ts'
import { nearestKey } from './nearest.ts'
import type { GivenValue } from './given-value.ts'
import { parseValue } from './parse-value.ts'
import type { ListenAddress } from './config.ts'

/** The effective value of a key, and its form in a file. */
export type Entry = { value: unknown; written: unknown; source: Source }
export type Entries = Map<string, Entry>

export type Merge = {
  readonly entries: Entries
  readonly problems: ConfigProblem[]
  /** Keys with an invalid value in at least one source. */
  readonly invalid: Set<string>
  /** The key `port` sets the port of `server.listen` and keeps its host. */
  apply(setting: GivenValue): void
}

export function createMerge(): Merge {
  const entries: Entries = new Map()
  const problems: ConfigProblem[] = []
  const invalid = new Set<string>()

  function apply(setting: GivenValue): void {
    if (setting.key === 'port') {
      applyPort(setting)
      return
    }
    const key = configKeys.get(setting.key)
    if (!key) {
      problems.push(unknownKey(setting))
      return
    }
    const parsed = parseValue(key, setting)
    if (parsed.ok) {
      entries.set(setting.key, { value: parsed.value, written: parsed.written, source: setting.source })
    } else {
      problems.push(...parsed.problems)
      invalid.add(setting.key)
    }
  }

  function applyPort({ value, source }: GivenValue): void {
    const { host } = (entries.get('server.listen')?.value ?? { host: '127.0.0.1' }) as ListenAddress
    const port = String(value)
    if (/^\d{1,5}$/.test(port) && Number(port) <= 65_535) {
      apply({ key: 'server.listen', value: `${host.includes(':') ? `[${host}]` : host}:${port}`, text: true, source })
    } else {
      const message = `expects a port from 0 to 65535, not ${JSON.stringify(value)}.`
      problems.push({ source, key: 'server.listen', message })
    }
  }

  return { entries, problems, invalid, apply }
}

function unknownKey({ key, source }: GivenValue): ConfigProblem {
  if (configSections.has(key)) return { source, key, message: 'is a section. Set one of its keys.' }
  const near = nearestKey(key, [...configKeys.keys()])
  return { source, key, message: 'there is no such key.', ...(near === undefined ? {} : { nearest: near }) }
}
