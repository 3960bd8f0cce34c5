import { createSecretKey, type KeyObject } from 'node:crypto'
import type { KeyRing } from '../sigv4/types.ts'

/** From `validUntil` on it is refused. */
export type AccessKey = { accessKeyId: string; secretAccessKey: string; owner: string; validUntil?: Date }

/** Keys that come and go. */
export type KeySource = {
  /** The same array until something changes. */
  accepted(): readonly AccessKey[]
  /** Asked before a key is refused as unknown: it may have come since. */
  lookAgain(): void
}

type RingKey = { secret: KeyObject; owner: string; endsAt: number }

/** The access keys this process accepts now. Of two with one id the first counts. */
export function createKeyRing(keys: readonly AccessKey[] | KeySource, now: () => Date = () => new Date()): KeyRing {
  const source: KeySource = 'accepted' in keys ? keys : { accepted: () => keys, lookAgain() {} }
  let from: readonly AccessKey[] | undefined
  let known = new Map<string, RingKey>()

  function lookUp(accessKeyId: string): RingKey | undefined {
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
      source.lookAgain()
      key = lookUp(accessKeyId)
    }
    return key !== undefined && now().getTime() < key.endsAt ? key : undefined
  }

  return { find }
}

function index(keys: readonly AccessKey[]): Map<string, RingKey> {
  const ring = new Map<string, RingKey>()
  for (const { accessKeyId, secretAccessKey, owner, validUntil } of keys) {
    if (ring.has(accessKeyId)) continue
    const endsAt = validUntil?.getTime() ?? Infinity
    ring.set(accessKeyId, { secret: createSecretKey(Buffer.from(secretAccessKey, 'utf8')), owner, endsAt })
  }
  return ring
}
