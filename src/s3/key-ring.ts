import { createSecretKey } from 'node:crypto'
import type { KeyRing, RingKey } from '../sigv4/types.ts'

export type AccessKey = {
  accessKeyId: string
  secretAccessKey: string
  owner: string
  /** The key is rejected after this time. */
  validUntil?: Date
  /** The secret is published, so pages of other origins may not read what it signs. */
  wellKnown?: boolean
}

/** Keys that can change at run time. */
export type KeySource = {
  /** Returns the same array until something changes. */
  accepted(): readonly AccessKey[]
  /** Reloads the keys. Called before an unknown key is rejected, because it may be new. */
  reload(): void
}

type DatedKey = RingKey & { endsAt: number }

/** The currently accepted access keys. If two have the same id, the first counts. */
export function createKeyRing(keys: readonly AccessKey[] | KeySource, now: () => Date = () => new Date()): KeyRing {
  const source: KeySource = 'accepted' in keys ? keys : { accepted: () => keys, reload() {} }
  let from: readonly AccessKey[] | undefined
  let known = new Map<string, DatedKey>()

  function lookUp(accessKeyId: string): DatedKey | undefined {
    const accepted = source.accepted()
    if (accepted !== from) {
      from = accepted
      known = index(accepted)
    }
    return known.get(accessKeyId)
  }

  function find(accessKeyId: string): RingKey | undefined {
    let key = lookUp(accessKeyId)
    if (key === undefined) {
      source.reload()
      key = lookUp(accessKeyId)
    }
    return key !== undefined && now().getTime() < key.endsAt ? key : undefined
  }

  return { find }
}

function index(keys: readonly AccessKey[]): Map<string, DatedKey> {
  const ring = new Map<string, DatedKey>()
  for (const { accessKeyId, secretAccessKey, owner, validUntil, wellKnown = false } of keys) {
    if (ring.has(accessKeyId)) continue
    const endsAt = validUntil?.getTime() ?? Infinity
    ring.set(accessKeyId, { secret: createSecretKey(Buffer.from(secretAccessKey, 'utf8')), owner, endsAt, wellKnown })
  }
  return ring
}
