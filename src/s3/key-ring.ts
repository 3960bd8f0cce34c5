import { createSecretKey } from 'node:crypto'
import type { KeyRing } from '../sigv4/types.ts'

export type AccessKey = { accessKeyId: string; secretAccessKey: string; owner: string }

/** The access keys this process accepts. The first of two with one id wins; the configuration refuses such pairs. */
export function createKeyRing(keys: readonly AccessKey[]): KeyRing {
  const known = new Map<string, { secret: ReturnType<typeof createSecretKey>; owner: string }>()
  for (const key of keys) {
    if (known.has(key.accessKeyId)) continue
    known.set(key.accessKeyId, { secret: createSecretKey(Buffer.from(key.secretAccessKey, 'utf8')), owner: key.owner })
  }
  return { find: (accessKeyId) => known.get(accessKeyId) }
}
