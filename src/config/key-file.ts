/** `keys.json`, the access keys that `postern keys` creates, in addition to those of the configuration. */
import { join } from 'node:path'
import { endAfter, hasEnded } from './key-lifetime.ts'
import { withKeyLock } from './key-lock.ts'
import {
  parsePrivateFile,
  privateFileText,
  readPrivateFile,
  replacePrivateFile,
  toFileProblem,
} from './private-file.ts'
import { keyFileSchema, storedKeySchema } from './key-file-schema.ts'
import { randomKey } from './random-key.ts'

export const keyFileName = 'keys.json'

const parse = (value: unknown) => storedKeySchema.parse(value)
/** Not `z.infer`, because the public types must not depend on zod. */
export type StoredKey = ReturnType<typeof parse>

export const keyFilePath = (folder: string): string => join(folder, keyFileName)

/** Empty if there is no file. Throws `ConfigError` if other users may read the file, or if it is damaged. */
export function readKeyFile(folder: string): StoredKey[] {
  const path = keyFilePath(folder)
  const remedy = 'Restore it from a backup. If you delete it, its keys stop working.'
  try {
    const text = readPrivateFile(path)
    return text === null ? [] : parsePrivateFile(keyFileSchema, text, { path, remedy }).keys
  } catch (cause) {
    throw toFileProblem(path, cause)
  }
}

/** Null if the id is `taken` or belongs to a key in the file. Creates an id if none is given. */
export function addKey(
  folder: string,
  o: { owner: string; accessKeyId?: string; taken: ReadonlySet<string>; now: Date },
): Promise<StoredKey | null> {
  return change(folder, o.now, (keys) => {
    const isTaken = (id: string): boolean => o.taken.has(id) || keys.some((key) => key.accessKeyId === id)
    if (o.accessKeyId !== undefined && isTaken(o.accessKeyId)) return { keys, result: null }
    const added = newKey(o.owner, o.now)
    const key = { ...added, accessKeyId: o.accessKeyId ?? added.accessKeyId }
    return { keys: [...keys, key], result: key }
  })
}

/** Creates a new key for the owner of an old one. The old key expires after `overlap` seconds, or earlier. Null if there is no such key. */
export function rotateKey(
  folder: string,
  accessKeyId: string,
  o: { overlap: number; now: Date },
): Promise<{ key: StoredKey; replaced: StoredKey } | null> {
  return change(folder, o.now, (keys) => {
    const old = keys.find((key) => key.accessKeyId === accessKeyId)
    if (old === undefined) return { keys, result: null }
    const replaced = endedAt(old, o.now, o.overlap)
    const key = newKey(old.owner, o.now)
    return { keys: [...keys.map((other) => (other === old ? replaced : other)), key], result: { key, replaced } }
  })
}

/** Lets a key expire after `after` seconds, unless it expires earlier. Null if there is no such key. */
export function revokeKey(
  folder: string,
  accessKeyId: string,
  o: { after: number; now: Date },
): Promise<StoredKey | null> {
  return change(folder, o.now, (keys) => {
    const old = keys.find((key) => key.accessKeyId === accessKeyId)
    if (old === undefined) return { keys, result: null }
    const result = endedAt(old, o.now, o.after)
    return { keys: keys.map((key) => (key === old ? result : key)), result }
  })
}

const endedAt = (key: StoredKey, now: Date, seconds: number): StoredKey => ({
  ...key,
  validUntil: endAfter(seconds, { now, validUntil: key.validUntil }),
})

const newKey = (owner: string, now: Date): StoredKey => ({
  ...randomKey('PK'),
  owner,
  createdAt: now.toISOString(),
  validUntil: null,
})

/** Changes run one at a time, each on the result of the last. Expired keys and their secrets are removed. */
function change<T>(
  folder: string,
  now: Date,
  edit: (keys: StoredKey[]) => { keys: StoredKey[]; result: T },
): Promise<T> {
  return withKeyLock(folder, () => {
    const before = readKeyFile(folder).filter(({ validUntil }) => !hasEnded(validUntil, now))
    const { keys, result } = edit(before)
    if (result !== null) {
      const left = keys.filter(({ validUntil }) => !hasEnded(validUntil, now))
      replacePrivateFile(keyFilePath(folder), privateFileText({ version: 1, keys: left }))
    }
    return result
  })
}
