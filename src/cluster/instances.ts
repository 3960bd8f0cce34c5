/** Several gateways over one catalog: each says what the others must agree with, as long as it runs. */
import { createHmac, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Catalog } from '../catalog/catalog.ts'
import type { Config } from '../config/schema.ts'
import { StorageError } from '../errors.ts'

/** Names of what must be equal, each with a word that tells two apart and gives nothing away. */
export type Agreement = { tokens: string; urls: string; store: string }

export type Membership = {
  /** The others need not wait until it counts as gone. */
  leave(): Promise<void>
}

type Log = { warn(facts: object, message: string): void }

const prefix = 'instance:'
/** Seconds between two signs of life, and after which one that gave none is gone. */
const signEvery = 10
const goneAfter = 35

const remedies: Record<keyof Agreement, string> = {
  tokens:
    'accepts tokens of another issuer or secret. Set the same POSTERN_AUTH_SECRET (or POSTERN_AUTH_SECRET_FILE), or the same auth.jwksUrl, for all of them.',
  urls: 'signs its URLs with another key. Put the same secrets.json into storage.disk.path of all of them; with the disk driver they must share that folder itself (on one machine: server.workers).',
  store: 'keeps its files elsewhere. Set the same storage.driver, bucket, endpoint and prefix for all of them.',
}

/** A secret as its fingerprint: equal for equal secrets, of no use to who reads it. */
const fingerprint = (secret: string): string =>
  createHmac('sha256', secret).update('postern instance').digest('base64url').slice(0, 16)

export function agreementOf(
  { auth, storage }: Config,
  secrets: { jwtSecret: string; signing: { accessKeyId: string; secretAccessKey: string } },
): Agreement {
  const { s3, bucket } = storage
  const isDirect = storage.driver === 's3' && storage.delivery === 'direct'
  return {
    tokens: auth.jwksUrl ?? fingerprint(auth.secret === 'auto' ? secrets.jwtSecret : auth.secret),
    urls: isDirect ? 'of the bucket' : fingerprint(secrets.signing.accessKeyId + secrets.signing.secretAccessKey),
    store: storage.driver === 'disk' ? `disk ${bucket}` : ['s3', s3.endpoint ?? 'aws', bucket, s3.prefix].join(' '),
  }
}

/**
 * Of a catalog in SQLite there are no instances but workers, which share a folder and its secrets: nothing is done then.
 * Errors: Unavailable when another instance that is running does not agree; the message says with what. `agreement` is
 * asked again at each sign of life, for keys that are replaced meanwhile.
 */
export async function joinInstances(o: {
  config: Config
  catalog: Catalog
  agreement: () => Agreement
  now: () => Date
  log: Log
}): Promise<Membership> {
  const { catalog, now } = o
  if (o.config.database.url.startsWith('sqlite:')) return { leave: async () => {} }
  const id = randomUUID()

  async function giveSign(): Promise<void> {
    const at = now()
    const until = new Date(at.getTime() + goneAfter * 1000)
    const note = JSON.stringify({ host: hostname(), ...o.agreement() })
    await catalog.takeLease(prefix + id, { holder: id, now: at, until, note })
  }

  await refuseDisagreement(o)
  await giveSign()
  await catalog.forgetLeases(new Date(now().getTime() - 86_400_000))
  const timer = setInterval(() => {
    giveSign().catch((err: unknown) => o.log.warn({ err }, 'the other instances could not be told of this one'))
  }, signEvery * 1000)
  timer.unref()
  return {
    async leave() {
      clearInterval(timer)
      // Without a word it counts as gone a little later.
      await catalog.dropLease(prefix + id, id).catch(() => {})
    },
  }
}

async function refuseDisagreement(o: Parameters<typeof joinInstances>[0]): Promise<void> {
  const at = o.now()
  const mine = o.agreement()
  for (const { note, expiresAt } of await o.catalog.listLeases(prefix, at)) {
    const theirs = JSON.parse(note ?? '{}') as Partial<Agreement> & { host?: string }
    const differs = (Object.keys(remedies) as (keyof Agreement)[]).find((name) => theirs[name] !== mine[name])
    if (differs === undefined) continue
    const seconds = Math.ceil((expiresAt.getTime() - at.getTime()) / 1000)
    throw new StorageError('Unavailable', {
      message:
        `Another instance at this catalog (on ${theirs.host ?? 'another host'}) ${remedies[differs]} ` +
        `If it has ended by force, it counts as gone in ${seconds} s.`,
    })
  }
}
