/** Rules between settings that must hold before a server starts. Each finding says what to write instead. */
import type { Config, ListenAddress } from './config.ts'
import { checkWebhooks, type Finding } from './check-webhooks.ts'
import { missingTokenClaims, publicProvider, tokenClaimAdvice } from './token-claims.ts'
import { weakness } from './weak-secret.ts'
import { gatewayOwner } from '../gateway-names.ts'
import { servesObjects } from './serves-objects.ts'
import type { DriverRegistration } from '../drivers/registration.ts'
import { registrationOf, registrations, settingsOf } from '../drivers/registry.ts'

const week = 7 * 86_400

/** 127.0.0.0/8, ::1 and localhost. */
export function isLoopback(host: string): boolean {
  const plain = host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/^::ffff:/, '')
  return plain === 'localhost' || plain === '::1' || /^127(\.\d{1,3}){3}$/.test(plain)
}

export function checkSafety(
  config: Config,
  { dev = false, remote = false }: { dev?: boolean; remote?: boolean } = {},
): Finding[] {
  return [
    ...checkExposure(config, { dev, remote }),
    ...checkRegion(config, dev),
    ...checkSecrets(config),
    ...checkKeys(config),
    ...checkWebhooks(config),
    ...checkTimes(config),
    ...checkStorage(config),
    ...checkAddresses(config),
    ...checkSendfile(config),
    ...checkProcesses(config),
  ]
}

const shown = ({ host, port }: ListenAddress): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

/** The listening address of the objects endpoint, or null if it is not started. */
function objectsListener(config: Config): ListenAddress | null {
  const { server, objects } = config
  if (!servesObjects(config)) return null
  return objects.listen === 'shared' ? server.listen : objects.listen
}

function checkExposure(config: Config, { dev, remote }: { dev: boolean; remote: boolean }): Finding[] {
  const { server, objects, cors, auth } = config
  const objectsAt = objectsListener(config)
  const exposed = [server.listen, objectsAt].find((at) => at !== null && !isLoopback(at.host))
  const found: Finding[] = []
  if (exposed && dev && !remote) {
    const message = `development mode needs no credentials, so it listens on loopback only. Write 127.0.0.1:${exposed.port}, or use postern dev --remote, where requests need a token.`
    found.push({ key: exposed === server.listen ? 'server.listen' : 'objects.listen', message })
  }
  if (exposed && !remote && cors.origins.includes('*')) {
    const origin = server.publicUrl === 'auto' ? 'https://app.example.com' : new URL(server.publicUrl).origin
    const message = `"*" lets every web site use this server, which listens on ${shown(exposed)}. Name the origins of your pages: cors: { origins: ["${origin}"] }`
    found.push({ key: 'cors.origins', message })
  }
  const why = (at: ListenAddress): string =>
    `cannot be "auto" while listening on ${shown(at)}, because clients need a public address.`
  if (server.publicUrl === 'auto' && !isLoopback(server.listen.host)) {
    const message = `${why(server.listen)} Write server: { publicUrl: "https://files.example.com" }`
    found.push({ key: 'server.publicUrl', message })
  }
  if (objects.publicUrl === 'auto' && objectsAt && !isLoopback(objectsAt.host)) {
    const example = objects.listen === 'shared' ? 'https://files.example.com/objects' : 'https://objects.example.com'
    found.push({ key: 'objects.publicUrl', message: `${why(objectsAt)} Write objects: { publicUrl: "${example}" }` })
  }
  const jwks = auth.jwksUrl === null ? null : new URL(auth.jwksUrl)
  if (jwks) found.push(...checkSharedKeys(jwks, auth))
  if (jwks && jwks.protocol !== 'https:' && !isLoopback(jwks.hostname)) {
    const message = `keys that come over plain http can be replaced in transit. Write https://${jwks.host}${jwks.pathname}`
    found.push({ key: 'auth.jwksUrl', message })
  }
  return found
}

/** A public provider signs tokens of other applications and tenants with the same keys, so anyone can get one. */
function checkSharedKeys(jwks: URL, auth: Config['auth']): Finding[] {
  const provider = publicProvider(jwks)
  if (provider === null) return []
  return missingTokenClaims(auth).map((key) => ({
    key: `auth.${key}`,
    message:
      `is missing. ${provider} signs the tokens of all applications with the keys of auth.jwksUrl, so this server would accept any of them. ` +
      tokenClaimAdvice[key],
  }))
}

function checkSecrets({ auth }: Config): Finding[] {
  const weak = auth.secret === 'auto' ? null : weakness(auth.secret, 32)
  if (weak === null) return []
  const message = `the secret ${weak}. Anyone who guesses it can act as any user. Write auth: { secret: auto }, or 32 random bytes (openssl rand -base64 32).`
  return [{ key: 'auth.secret', message }]
}

function checkKeys({ keys }: Config): Finding[] {
  const firstWith = new Map<string, number>()
  return keys.flatMap(({ accessKeyId, secretAccessKey, owner }, i) => {
    const found: Finding[] = []
    const weak = weakness(secretAccessKey, 16)
    const add = (name: string, message: string): void => void found.push({ key: `keys[${i}].${name}`, message })
    if (weak !== null)
      add('secretAccessKey', `the secret ${weak}. Write 40 random characters (openssl rand -base64 30).`)
    if (accessKeyId.includes('EXAMPLE')) add('accessKeyId', 'is an example from a manual. Choose another id.')
    if (owner === gatewayOwner)
      add('owner', `is reserved, because "${gatewayOwner}" is the gateway itself. Choose another owner.`)
    const first = firstWith.get(accessKeyId)
    if (first === undefined) firstWith.set(accessKeyId, i)
    else add('accessKeyId', `is used twice. keys[${first}] has the same id. Choose another one.`)
    return found
  })
}

/** A signature is valid for one region, except in development mode. */
function checkRegion({ objects }: Config, dev: boolean): Finding[] {
  if (dev || objects.region !== 'any') return []
  return [{ key: 'objects.region', message: '"any" works only in development mode. Write a region such as us-east-1.' }]
}

function checkTimes({ uploads, downloads }: Config): Finding[] {
  const found: Finding[] = []
  if (uploads.maxExpiresIn > week) {
    found.push({
      key: 'uploads.maxExpiresIn',
      message: 'presigned URLs are valid for at most 7 days. Write 7d or less.',
    })
  }
  if (uploads.expiresIn > uploads.maxExpiresIn) {
    found.push({
      key: 'uploads.expiresIn',
      message: 'is longer than uploads.maxExpiresIn. Write less, or raise uploads.maxExpiresIn.',
    })
  }
  if (downloads.expiresIn + (downloads.stableFor ?? 0) > week) {
    const key = downloads.expiresIn > week ? 'downloads.expiresIn' : 'downloads.stableFor'
    const message =
      'presigned URLs are valid for at most 7 days, and downloads.expiresIn and downloads.stableFor are added. Write less.'
    found.push({ key, message })
  }
  const fractional = [
    ['uploads.expiresIn', uploads.expiresIn],
    ['uploads.maxExpiresIn', uploads.maxExpiresIn],
    ['downloads.expiresIn', downloads.expiresIn],
  ] as const
  for (const [key, seconds] of fractional) {
    if (!Number.isInteger(seconds))
      found.push({ key, message: 'presigned URLs need whole seconds. Write 1s or more, without a fraction.' })
  }
  return found
}

const namesOf = (wanted: (registration: DriverRegistration) => unknown): string =>
  registrations()
    .filter(wanted)
    .map(({ name }) => name)
    .join(' or ')

function checkStorage({ storage, uploads }: Config): Finding[] {
  const found: Finding[] = []
  if (storage.delivery === 'proxied' && !registrationOf(storage.driver).hasOwnUrls) {
    found.push({
      key: 'storage.delivery',
      message: `"proxied" is for the ${namesOf(({ hasOwnUrls }) => hasOwnUrls)} driver. Write storage: { delivery: direct }`,
    })
  }
  for (const registration of registrations()) {
    for (const { key, message } of registration.check(settingsOf(storage, registration)))
      found.push({ key: `storage.${registration.name}.${key}`, message })
  }
  if (/\.\.|\.-|-\.|^\d+(\.\d+){3}$/.test(storage.bucket)) {
    found.push({ key: 'storage.bucket', message: 'is not a bucket name. Avoid "..", ".-", "-." and IP addresses.' })
  }
  if (uploads.partSize < 5 * 2 ** 20 || uploads.partSize > 5 * 2 ** 30) {
    found.push({ key: 'uploads.partSize', message: 'S3 accepts parts of 5MiB to 5GiB. Write a size in that range.' })
  }
  if (uploads.maxSize < 1 || uploads.maxSize > 5 * 2 ** 40) {
    found.push({ key: 'uploads.maxSize', message: 'expects 1B to 5TiB, the largest object that S3 accepts.' })
  }
  return found
}

function checkProcesses({ server, database }: Config): Finding[] {
  if (server.workers === 1 || database.url !== 'sqlite::memory:') return []
  const message =
    'each process would have a separate catalog in memory. Write server: { workers: 1 }, or use a database in a file.'
  return [{ key: 'server.workers', message }]
}

function checkSendfile({ objects, storage }: Config): Finding[] {
  const found: Finding[] = []
  const add = (message: string): void => void found.push({ key: 'objects.sendfile', message })
  if (objects.sendfile === 'off') return found
  if (!registrationOf(storage.driver).folder)
    add(
      `is for the ${namesOf(({ folder }) => folder)} driver, because the proxy cannot read files of a bucket. Write sendfile: off`,
    )
  if (objects.publicUrl === 'auto') {
    add(
      `needs objects.publicUrl, the address of the server in front. Clients that bypass that server get responses without bytes. ` +
        'Write objects: { publicUrl: "https://objects.example.com" }',
    )
  }
  return found
}

function checkAddresses({ server, objects }: Config): Finding[] {
  if (objects.listen === 'shared') {
    const prefix = objects.publicUrl === 'auto' ? '/objects' : new URL(objects.publicUrl).pathname
    if (prefix !== '/') return []
    const message = `needs a path if objects.listen is shared. Write ${objects.publicUrl.replace(/\/$/, '')}/objects`
    return [{ key: 'objects.publicUrl', message }]
  }
  const same = objects.listen.port === server.listen.port && objects.listen.host === server.listen.host
  if (!same || server.listen.port === 0) return []
  const message = `${shown(objects.listen)} is also the address of server.listen. Write another port, or objects: { listen: shared }`
  return [{ key: 'objects.listen', message }]
}
