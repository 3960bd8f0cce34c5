/** What the server makes for itself at first start: the HS256 secret and the key that signs its own URLs. */
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
  /** Files made by the first versions do not say. */
  createdAt: z.iso.datetime().optional(),
})
const secretsSchema = z.object({
  version: z.literal(1),
  jwtSecret: z.string().min(32),
  signing: signingSchema,
  /** Signing keys that were replaced: URLs they signed work until then. */
  previousSigning: z.array(signingSchema.extend({ validUntil: z.iso.datetime() })).optional(),
  /** Secrets that were replaced, or that are about to replace that of the configuration: tokens they signed work until then. */
  previousTokens: z.array(z.object({ secret: z.string().min(1), validUntil: z.iso.datetime() })).optional(),
})

const parse = (value: unknown) => secretsSchema.parse(value)
/** Not `z.infer`: programs that embed Postern see this type without zod. */
export type Secrets = ReturnType<typeof parse>
export type SigningKey = Secrets['signing']
export type PreviousSigningKey = NonNullable<Secrets['previousSigning']>[number]

export const secretsFileName = 'secrets.json'

export const secretsPath = (folder: string): string => join(folder, secretsFileName)

/**
 * Reads `secrets.json` of a folder; makes folder and file where they are not there yet. Of several processes that
 * start at once, all get what the first one wrote. `authSecret` (`auth.secret`) stands in for the file's jwtSecret
 * unless it is `auto`. Throws `ConfigError` for a file that others may read, or that is damaged.
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
 * Makes a new key to sign URLs with. The old one goes on to be accepted for `overlap` seconds, so that the URLs it
 * signed stay valid as long.
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
 * Makes a new secret for tokens. The old one, and those replaced before it, go on to be accepted for `overlap` seconds
 * at most. Where `configured` (`auth.secret`) is what tokens are signed with, the new one is for the configuration; until
 * it stands there, the file keeps both for as long, so that a server accepts them before its restart and after it. `chosen`:
 * the new secret, for several servers that are to have the same.
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

/** Ends a replaced signing key after `after` seconds, unless it ends before. null: no such key. */
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

/** null where there is no file. Throws as `loadSecrets`. */
export function readSecrets(folder: string): Secrets | null {
  const path = secretsPath(folder)
  const remedy =
    'Put it back from a backup; or delete it, and new secrets are made: every token and URL in use ends then.'
  try {
    const text = readPrivateFile(path)
    return text === null ? null : parsePrivateFile(secretsSchema, text, { path, remedy })
  } catch (cause) {
    throw toFileProblem(path, cause)
  }
}

async function makeSecrets(folder: string): Promise<Secrets> {
  const path = secretsPath(folder)
  const made: Secrets = {
    version: 1,
    jwtSecret: newTokenSecret(),
    signing: newSigningKey(new Date()),
  }
  await createPrivateFile(path, privateFileText(made))
  const secrets = readSecrets(folder)
  if (secrets === null) throw refused(path, 'vanished while it was made.')
  return secrets
}

const newTokenSecret = (): string => randomBytes(48).toString('base64url')

const newSigningKey = (now: Date): SigningKey => ({ ...randomKey('POSTERN'), createdAt: now.toISOString() })

/**
 * One change at a time, of what the change before left. Replaced keys whose time was over before are forgotten; one that
 * ends now stays until the next change, so that a server that is just starting knows whose successor the new key is.
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
    if (before === null) throw refused(path, 'vanished while it was changed.')
    const previousSigning = before.previousSigning?.filter(({ validUntil }) => !hasEnded(validUntil, now))
    const previousTokens = before.previousTokens?.filter(({ validUntil }) => !hasEnded(validUntil, now))
    const { secrets, result } = edit({ ...before, previousSigning, previousTokens })
    if (result !== null) replacePrivateFile(path, privateFileText(secrets))
    return result
  })
}
