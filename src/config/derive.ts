/** Derives keys that are not set from other keys. */
import { join, resolve } from 'node:path'
import type { Entries } from './merge.ts'
import { registrations } from '../drivers/registry.ts'
import { stateFolderKey } from './state-folder.ts'

/** With `cwd`, relative paths become absolute. */
export function derive(entries: Entries, { cwd }: { cwd: string | null }): void {
  const get = <T>(key: string): T => entries.get(key)!.value as T
  const isDefault = (key: string): boolean => entries.get(key)!.source.from === 'default'
  const set = (key: string, value: unknown, of: string): void => {
    entries.set(key, { value, written: value, source: { from: 'derived', of } })
  }
  const rewrite = (key: string, value: string): void => {
    entries.set(key, { ...entries.get(key)!, value, written: value })
  }

  // The default catalog is next to the objects, so that moving the folder moves both.
  const path = get<string>(stateFolderKey)
  if (isDefault('database.url') && !isDefault(stateFolderKey)) {
    set('database.url', `sqlite:${join(path, 'catalog.sqlite')}`, stateFolderKey)
  }
  if (cwd !== null) {
    rewrite(stateFolderKey, resolve(cwd, path))
    const audit = get<string | null>('log.audit')
    if (audit !== null) rewrite('log.audit', resolve(cwd, audit))
    const file = /^sqlite:(?!:memory:$)(.+)$/.exec(get<string>('database.url'))?.[1]
    if (file !== undefined) rewrite('database.url', `sqlite:${resolve(cwd, file)}`)
  }

  // A session token, for example, is valid only with the credentials that were set together with it.
  const cameFrom = (key: string, name: string): boolean => {
    const { source } = entries.get(key)!
    return source.from === 'variable' && source.name === name
  }
  for (const { key, names, onlyWith } of registrations().flatMap(({ variables }) => variables)) {
    if (!onlyWith || !names.some((name) => cameFrom(key, name)) || cameFrom(onlyWith.key, onlyWith.name)) continue
    set(key, null, onlyWith.key)
  }
}
