/** Prepares and runs the checks of `postern doctor`, then cleans up. The bucket checks are in `examine-store.ts`. */
import { localAddress } from './local-address.ts'
import { createSecretKey } from 'node:crypto'
import { resolve } from 'node:path'
import { createCatalog } from '../catalog/create-catalog.ts'
import { migrations } from '../catalog/migrations/index.ts'
import type { Config } from '../config/config.ts'
import { publicRisks } from '../config/public-files.ts'
import { newSecrets, type Secrets } from '../config/secrets.ts'
import { missingTokenClaims, tokenClaimAdvice } from '../config/token-claims.ts'
import { createStoreProbe, type StoreProbe } from '../doctor/bucket/store-probe.ts'
import { reason, runChecks, type Result } from '../doctor/check.ts'
import { diskChecks } from '../doctor/disk-checks.ts'
import { publicChecks } from '../doctor/public-files-check.ts'
import { tokenChecks, type TokenSubject } from '../doctor/token-checks.ts'
import { urlChecks, type UrlSubject } from '../doctor/url-checks.ts'
import { instanceProof } from '../http/instance-proof.ts'
import { servesObjects } from '../config/serves-objects.ts'
import { endpointTarget, type Endpoints } from './doctor-store.ts'
import { examineStore, type Diagnosis, type DiagnoseOptions } from './examine-store.ts'
import { existingSecrets, hasStore } from './open-store.ts'
import { folderStore, folderTools } from '../drivers/registry.ts'
import { stateFolderSettings } from '../config/state-folder.ts'
import type { DiskSubject } from '../doctor/database-check.ts'

/** After `signal` the results are incomplete. Everything written is deleted. */
export async function diagnose(config: Config, o: DiagnoseOptions): Promise<Diagnosis> {
  const isNew = !hasStore(config)
  const disk = isNew ? [] : await runChecks('disk', diskChecks, await diskSubject(config), o)
  const secrets = isNew ? { secrets: newSecrets() } : disk[0]?.outcome === 'ok' ? secretsOf(config, o) : null
  if (secrets === null || 'failed' in secrets) return { results: [...disk, ...(secrets?.failed ?? [])], left: [] }
  const objects = servesObjects(config) ? ownObjects(config, secrets.secrets, o) : null
  const subject = { ...urlSubject(config, secrets.secrets, objects), signal: o.signal }
  const urls = await runChecks('urls', urlChecks, subject, o)
  const left = (await objects?.cleanUp()) ?? []
  const { jwksUrl } = config.auth
  const tokens =
    jwksUrl === null ? [] : await runChecks('tokens', tokenChecks, tokenSubject(config.auth, jwksUrl, o), o)
  const risks = { risks: publicRisks(config) }
  const open = config.uploads.allowPublic ? await runChecks('public', publicChecks, risks, o) : []
  const before = [...disk, ...urls, ...tokens, ...open]
  if (o.signal?.aborted) return { results: before, left }
  const running = urls.find(({ check }) => check === 'server')?.outcome === 'ok'
  const store = await examineStore(
    config,
    { secrets: secrets.secrets, running, endpoints: objectsEndpoints(config) },
    o,
  )
  return { results: [...before, ...store.results], left: [...left, ...store.left] }
}

function secretsOf(config: Config, o: DiagnoseOptions): { secrets: Secrets } | { failed: Result[] } {
  try {
    return { secrets: existingSecrets(config) }
  } catch (error) {
    const fix = 'Fix this first. The server cannot start without its secrets.'
    const result: Result = { group: 'disk', check: 'secrets', outcome: 'failed', message: reason(error), fix }
    o.report(result)
    return { failed: [result] }
  }
}

function tokenSubject(auth: Config['auth'], jwksUrl: string, { signal }: DiagnoseOptions): TokenSubject {
  const missing = missingTokenClaims(auth).map((key) => ({ key: `auth.${key}`, advice: tokenClaimAdvice[key] }))
  return { jwksUrl, missing, signal }
}

async function diskSubject(config: Config): Promise<DiskSubject> {
  const { storage, database } = config
  const { path, minFree, fsync } = stateFolderSettings(config)
  const file = /^sqlite:(.+)$/.exec(database.url)?.[1]
  return {
    folder: resolve(path),
    holdsObjects: folderStore(storage) !== null,
    minFree,
    fsync,
    indexVersion: (await folderTools()).schemaVersion,
    catalogVersions: Object.keys(migrations),
    catalogFile: file === undefined || file === ':memory:' ? null : resolve(file),
    openCatalog: () => createCatalog({ url: database.url }),
  }
}

const trimmed = (url: string): string => url.replace(/\/+$/, '')

/** The objects endpoint's listen address and public URL. */
function objectsEndpoints({ server, objects }: Config): Endpoints {
  const shared = objects.listen === 'shared'
  const base = localAddress(objects.listen === 'shared' ? server.listen : objects.listen)
  const outside = shared && server.publicUrl !== 'auto' ? `${trimmed(server.publicUrl)}/objects` : null
  const named = objects.publicUrl === 'auto' ? outside : trimmed(objects.publicUrl)
  const path = named === null ? (shared ? '/objects' : '') : new URL(named).pathname.replace(/\/$/, '')
  const publicEndpoint = named ?? base + path
  return { endpoint: base + path, publicEndpoint, named: { url: publicEndpoint, setting: 'objects.publicUrl' } }
}

function ownObjects(config: Config, secrets: Secrets, o: DiagnoseOptions): StoreProbe {
  const { now = () => new Date() } = o
  return createStoreProbe(endpointTarget(config, secrets, objectsEndpoints(config), { origins: [], now }), o)
}

function urlSubject(config: Config, secrets: Secrets, objects: StoreProbe | null): UrlSubject {
  const { publicUrl, listen } = config.server
  const secret = createSecretKey(Buffer.from(secrets.jwtSecret))
  return {
    listenUrl: localAddress(listen),
    apiUrl: publicUrl === 'auto' ? null : trimmed(publicUrl),
    proof: (nonce) => instanceProof(secret, nonce),
    objectsUrl: objects && objects.target.publicEndpoint,
    objects,
  }
}
