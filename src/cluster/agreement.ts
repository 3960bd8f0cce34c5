/** What instances over one catalog must agree on, and whether two of them do. */
import { createHmac, type KeyObject } from 'node:crypto'
import type { Config } from '../config/config.ts'
import { servesObjects } from '../config/serves-objects.ts'
import { registrationOf, settingsOf } from '../drivers/registry.ts'

/** Each with a word that tells two apart and gives nothing away. `accepts`: what is verified beside the current secret. */
export type Agreement = {
  tokens: string
  urls: string
  store: string
  accepts?: { tokens: readonly string[]; urls: readonly string[] }
}

type Name = 'tokens' | 'urls' | 'store'

/** What differs between two; `isPartial`: one accepts what is the other's, so that a change may be on its way. */
export type Difference = { name: Name; isPartial: boolean; advice: string }

/** A secret as its fingerprint: equal for equal secrets, of no use to who reads it. */
const fingerprint = (secret: string | KeyObject): string =>
  createHmac('sha256', secret).update('postern instance').digest('base64url').slice(0, 16)

/** The current secret is the first; `validUntil` is there for one that ends. */
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

/** A word for each kind of token that is accepted, the current one first. */
function acceptedTokens(
  { jwksUrl, allowSecretWithJwks }: Config['auth'],
  ofSecrets: readonly string[],
): readonly string[] {
  if (jwksUrl === null) return ofSecrets
  return allowSecretWithJwks ? ofSecrets.map((word) => `${jwksUrl} ${word}`) : [jwksUrl]
}

/** What is signed with the current secret of `other` is verified by `one`. */
const verifies = (one: Partial<Agreement>, other: Partial<Agreement>, name: Name): boolean =>
  one[name] === other[name] || (name !== 'store' && one.accepts?.[name].includes(other[name] ?? '') === true)

/**
 * Two agree when each verifies what the other one signs; null: they do. So a secret can be replaced in one after the
 * other, once all of them accept the old one and the new one.
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
  'signs its URLs with another key. Put the same secrets.json into storage.disk.path of all of them; with the disk driver they must share that folder itself (on one machine: server.workers).'
const store = 'keeps its files elsewhere. Set the same storage.driver, bucket, endpoint and prefix for all of them.'

/** What the other one does, and what to do; by who does not verify what the other signs. */
const advice: Record<Name, Record<'here' | 'there' | 'both', string>> = {
  tokens: {
    both:
      'accepts tokens of another issuer or secret. Set the same POSTERN_AUTH_SECRET (or POSTERN_AUTH_SECRET_FILE), or the same auth.jwksUrl and auth.allowSecretWithJwks, for all of them. ' +
      'To replace the secret in one after the other, let each accept both before: see "A new token secret" in docs/scaling.md.',
    there: `does not accept tokens of the secret that is configured here. If that is the new one, run \`${rotate}\` there, with the new secret in FILE, and start this one again; else set the secret of the others here.`,
    here: `has a token secret that is not accepted here any more. If it is the old one, set the new one there; if it is the new one, run \`${rotate}\` here, with the new secret in FILE, and start this one again.`,
  },
  urls: { both: urls, there: urls, here: urls },
  store: { both: store, there: store, here: store },
}
