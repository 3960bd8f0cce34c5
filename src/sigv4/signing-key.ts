/**
 * Signing keys, derived once per secret, day and region, and cached as KeyObjects. An HMAC with a KeyObject is about
 * seven times faster than with a Buffer. The cache is bounded and evicts the least recently used key.
 */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'

export type SigningScope = { /** `YYYYMMDD` */ date: string; region: string; service: 's3' }

/** A map of at most `size` entries that evicts the least recently used one. */
export class BoundedCache<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #size: number

  constructor(size: number) {
    this.#size = size
  }

  get count(): number {
    return this.#entries.size
  }

  get(key: K, make: () => V): V {
    const known = this.#entries.get(key)
    if (known !== undefined) {
      // Only a full cache needs an order.
      if (this.#entries.size === this.#size) {
        this.#entries.delete(key)
        this.#entries.set(key, known)
      }
      return known
    }
    const made = make()
    if (this.#entries.size === this.#size) this.#entries.delete(this.#entries.keys().next().value as K)
    this.#entries.set(key, made)
    return made
  }
}

const bySecretText = new BoundedCache<string, BoundedCache<string, KeyObject>>(64)
/** Weak, so that the keys derived from a revoked secret are released with it. */
const bySecretObject = new WeakMap<KeyObject, BoundedCache<string, KeyObject>>()

/** kSigning of a secret (the text, or a KeyObject over its UTF-8 bytes) for a scope. */
export function signingKey(secret: string | KeyObject, scope: SigningScope): KeyObject {
  return keysOf(secret).get(`${scope.date}/${scope.region}/${scope.service}`, () => derive(secret, scope))
}

function keysOf(secret: string | KeyObject): BoundedCache<string, KeyObject> {
  if (typeof secret === 'string') return bySecretText.get(secret, () => new BoundedCache(16))
  let keys = bySecretObject.get(secret)
  if (!keys) bySecretObject.set(secret, (keys = new BoundedCache(16)))
  return keys
}

function derive(secret: string | KeyObject, { date, region, service }: SigningScope): KeyObject {
  const bytes = typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret.export()
  const dateKey = hmac(Buffer.concat([Buffer.from('AWS4'), bytes]), date)
  return createSecretKey(hmac(hmac(hmac(dateKey, region), service), 'aws4_request'))
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text, 'utf8').digest()
