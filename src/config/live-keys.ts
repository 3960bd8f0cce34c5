/**
 * The current access keys: those of the configuration, of `keys.json`, and the gateway's own. Reads the files again when
 * keys are used, so that a running server follows `postern keys`. Has no timer and needs no close.
 */
import { createSecretKey, type KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import { gatewayOwner } from '../gateway-names.ts'
import { readKeyFile, type StoredKey } from './key-file.ts'
import type { Config } from './config.ts'
import { readSecrets, type Secrets } from './secrets.ts'

export type AcceptedKey = {
  accessKeyId: string
  secretAccessKey: string
  owner: string
  validUntil?: Date
  /** The secret is public, so pages of other origins must not read responses to requests that it signed. */
  wellKnown?: boolean
}

/** `validUntil` is set if the secret was replaced. */
export type TokenSecret = { secret: KeyObject; validUntil?: Date }

export type LiveKeys = {
  /** The key that signs new URLs. */
  signing(): Secrets['signing']
  /** The gateway's keys first, then the configuration's. The first key with an id counts. Returns the same array until a key changes. */
  accepted(): readonly AcceptedKey[]
  /** The secret of HS256 tokens, then those that it replaced. Returns the same array until a secret changes. */
  tokens(): readonly TokenSecret[]
  /** Reads the files again. Call it for an unknown key, which may be new. */
  reload(): void
}

export type LiveKeysOptions = {
  /** The folder of secrets.json and keys.json. */
  folder: string
  secrets: Secrets
  configured: Config['keys']
  /** `auth.secret`. Replaces the secret of secrets.json unless it is `auto`. Default: auto. */
  authSecret?: string
  log: { info(facts: object, message: string): void; warn(facts: object, message: string): void }
}

/** Milliseconds until the files may be read again. Guessed ids must not cause a read for each request. */
const freshFor = { known: 1000, unknown: 20 }

/**
 * Errors: ConfigError if other users may read keys.json, or if it is damaged. If that happens later, it is logged and the
 * last keys stay valid. If `secrets` are not those of the folder's secrets.json, they never change.
 */
export function openLiveKeys({ configured, log, ...o }: LiveKeysOptions): LiveKeys {
  const folder = resolve(o.folder)
  const followsFile = isSuccessor(readSecrets(folder), o.secrets)
  let secrets = o.secrets
  let accepted: readonly AcceptedKey[] = []
  let tokens: readonly TokenSecret[] = []
  let seen = ''
  let seenTokens = ''
  let readAt = 0
  let complaint = ''
  load()

  function load(): void {
    readAt = performance.now()
    const stored = readKeyFile(folder)
    if (followsFile) secrets = readSecrets(folder) ?? secrets
    loadTokens()
    const found = JSON.stringify([secrets.signing, secrets.previousSigning, stored])
    if (found === seen) return
    accepted = merge(secrets, configured, stored)
    if (seen !== '') log.info({ keys: accepted.length }, 'the access keys have changed')
    for (const { accessKeyId } of shadowed(secrets, configured, stored)) {
      log.warn(
        { accessKeyId },
        'a key of keys.json is ignored because the configuration or the gateway has a key with the same id',
      )
    }
    seen = found
  }

  function loadTokens(): void {
    const configuredSecret = o.authSecret === undefined || o.authSecret === 'auto' ? null : o.authSecret
    const current = configuredSecret ?? secrets.jwtSecret
    const previous = (secrets.previousTokens ?? []).filter(({ secret }) => secret !== current)
    const found = JSON.stringify([current, previous])
    if (found === seenTokens) return
    tokens = [
      { secret: keyOf(current) },
      ...previous.map(({ secret, validUntil }) => ({ secret: keyOf(secret), validUntil: new Date(validUntil) })),
    ]
    if (seenTokens !== '') log.info({ secrets: tokens.length }, 'the token secrets have changed')
    seenTokens = found
  }

  function loadAgain(): void {
    try {
      load()
      complaint = ''
    } catch (err) {
      if (String(err) !== complaint)
        log.warn({ err }, 'the access keys could not be read again, so the last ones stay valid')
      complaint = String(err)
    }
  }

  function readIfOlder(milliseconds: number): void {
    if (performance.now() - readAt >= milliseconds) loadAgain()
  }

  return {
    signing() {
      readIfOlder(freshFor.known)
      return secrets.signing
    },
    accepted() {
      readIfOlder(freshFor.known)
      return accepted
    },
    tokens() {
      readIfOlder(freshFor.known)
      return tokens
    },
    reload: () => readIfOlder(freshFor.unknown),
  }
}

const keyOf = (secret: string): KeyObject => createSecretKey(Buffer.from(secret))

/** Whether the file contains these secrets, or their successors after a rotation. */
function isSuccessor(file: Secrets | null, secrets: Secrets): boolean {
  if (file === null) return false
  return [file.signing, ...(file.previousSigning ?? [])].some(
    (key) => key.accessKeyId === secrets.signing.accessKeyId && key.secretAccessKey === secrets.signing.secretAccessKey,
  )
}

function merge(secrets: Secrets, configured: Config['keys'], stored: readonly StoredKey[]): AcceptedKey[] {
  const own = { ...secrets.signing, owner: gatewayOwner, validUntil: null }
  const previous = (secrets.previousSigning ?? []).map((key) => ({ ...key, owner: gatewayOwner }))
  const lasting = configured.map((key) => ({ ...key, validUntil: null }))
  return [own, ...previous, ...lasting, ...stored].map(({ accessKeyId, secretAccessKey, owner, validUntil }) => ({
    accessKeyId,
    secretAccessKey,
    owner,
    ...(validUntil === null ? {} : { validUntil: new Date(validUntil) }),
  }))
}

/** Keys of keys.json that are ignored, because an earlier key has the same id. */
export function shadowed(secrets: Secrets, configured: Config['keys'], stored: readonly StoredKey[]): StoredKey[] {
  const before = new Set([secrets.signing, ...(secrets.previousSigning ?? []), ...configured].map((k) => k.accessKeyId))
  return stored.filter(({ accessKeyId }) => before.has(accessKeyId))
}
