/** Settings and secrets that all instances of a catalog must share, and how two of them are compared. */
import { createHmac, type KeyObject } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { servesObjects } from '../config/serves-objects.ts'
import { registrationOf, settingsOf } from '../drivers/registry.ts'

/** A fingerprint for each, which reveals nothing. `accepts`: secrets that are accepted besides the current one. */
export type Agreement = {
  tokens: string
  urls: string
  store: string
  accepts?: { tokens: readonly string[]; urls: readonly string[] }
}

type Name = 'tokens' | 'urls' | 'store'

/** A difference between two instances. `isPartial`: one accepts the other's value, so a change may be in progress. */
export type Difference = { name: Name; isPartial: boolean; advice: string }

/** The fingerprint of a secret. Equal for equal secrets and useless to a reader. */
const fingerprint = (secret: string | KeyObject): string =>
  createHmac('sha256', secret).update('postern instance').digest('base64url').slice(0, 16)

/** The current secret comes first. `validUntil` is set for one that expires. */
export type Secrets = {
  tokens: readonly { secret: KeyObject; validUntil?: Date }[]
  urls: readonly { accessKeyId: string; secretAccessKey: string; validUntil?: Date }[]
}

export function agreementOf(config: Config, secrets: Secrets, now: Date): Agreement {
  const { auth, storage } = config
  const registration = registrationOf(storage.driver)
  const lasts = ({ validUntil }: { validUntil?: Date }): boolean => validUntil === undefined || validUntil > now
  const ofTokens = secrets.tokens.filter(lasts).map(({ secret }) => fingerprint(secret))
  const ofUrls = secrets.urls.filter(lasts).map((key) => fingerprint(key.accessKeyId + key.secretAccessKey))
  const [tokens = '', ...otherTokens] = acceptedTokens(auth, ofTokens)
  const [urls = '', ...otherUrls] = servesObjects(config) ? ofUrls : ['of the bucket']
  const store = registration.identify(settingsOf(storage, registration), storage.bucket)
  return { tokens, urls, store, accepts: { tokens: otherTokens, urls: otherUrls } }
}

/** A fingerprint for each accepted kind of token, the current one first. */
function acceptedTokens(
  { jwksUrl, allowSecretWithJwks }: Config['auth'],
  ofSecrets: readonly string[],
): readonly string[] {
  if (jwksUrl === null) return ofSecrets
  return allowSecretWithJwks ? ofSecrets.map((word) => `${jwksUrl} ${word}`) : [jwksUrl]
}

/** Whether `one` verifies what `other` signs with its current secret. */
const verifies = (one: Partial<Agreement>, other: Partial<Agreement>, name: Name): boolean =>
  one[name] === other[name] || (name !== 'store' && one.accepts?.[name].includes(other[name] ?? '') === true)

/**
 * Two instances agree if each verifies what the other signs. null if they agree. A secret can therefore be replaced
 * on one instance after the other, while all accept both the old and the new one.
 */
export function differenceOf(mine: Agreement, theirs: Partial<Agreement>): Difference | null {
  for (const name of ['tokens', 'urls', 'store'] as const) {
    const here = verifies(mine, theirs, name)
    const there = verifies(theirs, mine, name)
    if (here && there) continue
    const side = here ? 'there' : there ? 'here' : 'both'
    return { name, isPartial: here || there, advice: advice[name][side] }
  }
  return null
}

const rotate = 'postern keys rotate --tokens --secret-file FILE'
const urls =
  'signs its URLs with another key. Use the same secrets.json in storage.disk.path of all instances. With the disk driver they must share the folder itself (on one machine, use server.workers).'
const store = 'uses another store. Set the same storage.driver, bucket, endpoint and prefix on all instances.'

/** The message about the other instance, and what to do. Keyed by the side that rejects the other's tokens. */
const advice: Record<Name, Record<'here' | 'there' | 'both', string>> = {
  tokens: {
    both:
      'accepts tokens of another issuer or secret. Set the same POSTERN_AUTH_SECRET (or POSTERN_AUTH_SECRET_FILE), or the same auth.jwksUrl and auth.allowSecretWithJwks, on all instances. ' +
      'To replace the secret one instance at a time, see "A new token secret" in docs/scaling.md.',
    there: `does not accept tokens signed with the secret configured here. If this secret is the new one, run \`${rotate}\` there with the new secret in FILE, then restart this instance. Otherwise set the other instances' secret here.`,
    here: `uses a token secret that is not accepted here. If it is the old one, set the new one there. If it is the new one, run \`${rotate}\` here with the new secret in FILE, then restart this instance.`,
  },
  urls: { both: urls, there: urls, here: urls },
  store: { both: store, there: store, here: store },
}
