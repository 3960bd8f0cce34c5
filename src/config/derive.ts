/** Keys that were left to us, worked out from the others. */
import { join, resolve } from 'node:path'
import type { Entries } from './merge.ts'

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

  // The default catalog lies beside the objects: whoever moves the folder moves both.
  const path = get<string>('storage.disk.path')
  if (isDefault('database.url') && !isDefault('storage.disk.path')) {
    set('database.url', `sqlite:${join(path, 'catalog.sqlite')}`, 'storage.disk.path')
  }
  if (cwd !== null) {
    rewrite('storage.disk.path', resolve(cwd, path))
    const audit = get<string | null>('log.audit')
    if (audit !== null) rewrite('log.audit', resolve(cwd, audit))
    const file = /^sqlite:(?!:memory:$)(.+)$/.exec(get<string>('database.url'))?.[1]
    if (file !== undefined) rewrite('database.url', `sqlite:${resolve(cwd, file)}`)
  }

  // A session token belongs to the credentials it came with.
  const cameFrom = (key: string, name: string): boolean => {
    const { source } = entries.get(key)!
    return source.from === 'variable' && source.name === name
  }
  if (
    cameFrom('storage.s3.sessionToken', 'AWS_SESSION_TOKEN') &&
    !cameFrom('storage.s3.accessKeyId', 'AWS_ACCESS_KEY_ID')
  ) {
    set('storage.s3.sessionToken', null, 'storage.s3.accessKeyId')
  }
}
