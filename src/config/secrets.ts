/** The secrets that the server creates at the first start: the HS256 secret and the key that signs URLs. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { endAfter, hasEnded } from './key-lifetime.ts'
import { withKeyLock } from './key-lock.ts'
import {
  createPrivateFile,
  parsePrivateFile,
  privateFileText,
  readPrivateFile,
  refused,
  replacePrivateFile,
  toFileProblem,
} from './private-file.ts'
import { randomKey } from './random-key.ts'

const signingSchema = z.object({
  accessKeyId: z.string().regex(/^[A-Z0-9]{16,128}$/),
  secretAccessKey: z.string().min(40),
  /** Files from the first versions have no such field. */
  createdAt: z.iso.datetime().optional(),
})
const secretsSchema = z.object({
  version: z.literal(1),
  jwtSecret: z.string().min(32),
  signing: signingSchema,
  /** Replaced signing keys. The URLs that they signed work until `validUntil`. */
  previousSigning: z.array(signingSchema.extend({ validUntil: z.iso.datetime() })).optional(),
  /** Replaced secrets, and ones that will replace that of the configuration. Their tokens work until `validUntil`. */
  previousTokens: z.array(z.object({ secret: z.string().min(1), validUntil: z.iso.datetime() })).optional(),
})

const parse = (value: unknown) => secretsSchema.parse(value)
/** Not `z.infer`, because the public types must not depend on zod. */
export type Secrets = ReturnType<typeof parse>
export type SigningKey = Secrets['signing']
export type PreviousSigningKey = NonNullable<Secrets['previousSigning']>[number]

export const secretsFileName = 'secrets.json'

export const secretsPath = (folder: string): string => join(folder, secretsFileName)

/**
 * Reads `secrets.json` of a folder, and creates folder and file if they do not exist. If several processes start at once,
 * all use the file that the first one wrote. `authSecret` (`auth.secret`) replaces the file's jwtSecret unless it is
 * `auto`. Throws `ConfigError` if other users may read the file, or if it is damaged.
 */
export async function loadSecrets(folder: string, o: { authSecret?: string } = {}): Promise<Secrets> {
  const path = secretsPath(folder)
  try {
    const secrets = readSecrets(folder) ?? (await makeSecrets(folder))
    return o.authSecret === undefined || o.authSecret === 'auto' ? secrets : { ...secrets, jwtSecret: o.authSecret }
  } catch (cause) {
    throw toFileProblem(path, cause)
  }
}

/**
 * Creates a new key that signs URLs. The old key stays valid for `overlap` seconds, and so do its URLs.
 */
export function rotateSigning(
  folder: string,
  o: { overlap: number; now: Date },
): Promise<{ signing: SigningKey; replaced: PreviousSigningKey }> {
  return change(folder, o.now, (secrets) => {
    const signing = newSigningKey(o.now)
    const replaced = { ...secrets.signing, validUntil: endAfter(o.overlap, o) }
    const previousSigning = [replaced, ...(secrets.previousSigning ?? [])]
    return { secrets: { ...secrets, signing, previousSigning }, result: { signing, replaced } }
  })
}

/**
 * Creates a new secret for tokens. The old one and earlier ones stay valid for at most `overlap` seconds. If tokens are
 * signed with `configured` (`auth.secret`), the operator must put the new secret into the configuration. Until then, the
 * file keeps both for `overlap` seconds, so that a server accepts them before and after its restart. `chosen` is the new
 * secret, for several servers that share one.
 */
export function rotateTokens(
  folder: string,
  o: { overlap: number; now: Date; configured: string | null; chosen?: string },
): Promise<{ secret: string; validUntil: string }> {
  return change(folder, o.now, (secrets) => {
    const secret = o.chosen ?? newTokenSecret()
    const validUntil = endAfter(o.overlap, o)
    const old = o.configured ?? secrets.jwtSecret
    const before = (secrets.previousTokens ?? [])
      .filter((previous) => previous.secret !== old && previous.secret !== secret)
      .map((previous) => ({ ...previous, validUntil: endAfter(o.overlap, { ...previous, now: o.now }) }))
    const noted = o.configured === null ? [old] : [old, secret]
    const previousTokens = [...noted.map((one) => ({ secret: one, validUntil })), ...before].filter(
      (one) => !hasEnded(one.validUntil, o.now),
    )
    const jwtSecret = o.configured === null ? secret : secrets.jwtSecret
    return { secrets: { ...secrets, jwtSecret, previousTokens }, result: { secret, validUntil } }
  })
}

/** Lets a replaced signing key expire after `after` seconds, unless it expires earlier. Null if there is no such key. */
export function endPreviousSigning(
  folder: string,
  accessKeyId: string,
  o: { after: number; now: Date },
): Promise<PreviousSigningKey | null> {
  return change(folder, o.now, (secrets) => {
    const previous = secrets.previousSigning ?? []
    const old = previous.find((key) => key.accessKeyId === accessKeyId)
    if (old === undefined) return { secrets, result: null }
    const result = { ...old, validUntil: endAfter(o.after, { now: o.now, validUntil: old.validUntil }) }
    const previousSigning = previous.map((key) => (key === old ? result : key))
    return { secrets: { ...secrets, previousSigning }, result }
  })
}

/** Null if there is no file. Throws the errors of `loadSecrets`. */
export function readSecrets(folder: string): Secrets | null {
  const path = secretsPath(folder)
  const remedy =
    'Restore it from a backup. If you delete it, Postern creates new secrets, and all existing tokens and URLs stop working.'
  try {
    const text = readPrivateFile(path)
    return text === null ? null : parsePrivateFile(secretsSchema, text, { path, remedy })
  } catch (cause) {
    throw toFileProblem(path, cause)
  }
}

async function makeSecrets(folder: string): Promise<Secrets> {
  const path = secretsPath(folder)
  await createPrivateFile(path, privateFileText(newSecrets()))
  const secrets = readSecrets(folder)
  if (secrets === null) throw refused(path, 'was deleted while it was created. Retry.')
  return secrets
}

/** Not written anywhere. */
export const newSecrets = (): Secrets => ({
  version: 1,
  jwtSecret: newTokenSecret(),
  signing: newSigningKey(new Date()),
})

const newTokenSecret = (): string => randomBytes(48).toString('base64url')

const newSigningKey = (now: Date): SigningKey => ({ ...randomKey('POSTERN'), createdAt: now.toISOString() })

/**
 * Changes run one at a time, each on the result of the last. Keys that had expired before are removed. A key that expires
 * with this change stays until the next one, so that a server that is starting can match the new key to the old one.
 */
async function change<T>(
  folder: string,
  now: Date,
  edit: (secrets: Secrets) => { secrets: Secrets; result: T },
): Promise<T> {
  await loadSecrets(folder)
  const path = secretsPath(folder)
  return withKeyLock(folder, () => {
    const before = readSecrets(folder)
    if (before === null) throw refused(path, 'was deleted while it was changed. Retry.')
    const previousSigning = before.previousSigning?.filter(({ validUntil }) => !hasEnded(validUntil, now))
    const previousTokens = before.previousTokens?.filter(({ validUntil }) => !hasEnded(validUntil, now))
    const { secrets, result } = edit({ ...before, previousSigning, previousTokens })
    if (result !== null) replacePrivateFile(path, privateFileText(secrets))
    return result
  })
}
