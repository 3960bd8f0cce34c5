/** Puts together what the checks of `postern doctor` look at, runs them and tidies up. */
import { createSecretKey } from 'node:crypto'
import { resolve } from 'node:path'
import { createCatalog } from '../catalog/create-catalog.ts'
import { migrations } from '../catalog/migrations/index.ts'
import type { Config } from '../config/schema.ts'
import { loadSecrets, type Secrets } from '../config/secrets.ts'
import { bucketChecks } from '../doctor/bucket/bucket-checks.ts'
import { createStoreProbe, type StoreProbe } from '../doctor/bucket/store-probe.ts'
import { reason, runChecks, type Result } from '../doctor/check.ts'
import { applyCors } from '../doctor/cors-rules.ts'
import { diskChecks } from '../doctor/disk/disk-checks.ts'
import type { DiskSubject } from '../doctor/disk/disk-subject.ts'
import { urlChecks } from '../doctor/urls/url-checks.ts'
import type { UrlSubject } from '../doctor/urls/url-subject.ts'
import { schemaVersion } from '../drivers/disk/open-index.ts'
import { instanceProof } from '../http/instance-proof.ts'
import { openOwnEndpoint, type OwnEndpoint } from './doctor-endpoint.ts'
import { bucketTarget, diskTarget, type Endpoints } from './doctor-store.ts'

export type DiagnoseOptions = {
  /** From where pages ask. */
  origins: readonly string[]
  /** Sets the bucket's CORS rules where they do not do. */
  fix: boolean
  tell: (result: Result) => void
  signal?: AbortSignal
  now?: () => Date
}

export async function diagnose(config: Config, o: DiagnoseOptions): Promise<Result[]> {
  const disk = await runChecks('disk', diskChecks, diskSubject(config), o)
  const secrets = disk[0]?.outcome === 'ok' ? await secretsOf(config, o) : null
  if (secrets === null || 'failed' in secrets) return [...disk, ...(secrets?.failed ?? [])]
  const objects = servesObjects(config) ? ownObjects(config, secrets.secrets, o) : null
  const urls = await runChecks('urls', urlChecks, urlSubject(config, secrets.secrets, objects), o)
  if (objects) await objects.cleanUp()
  const running = urls.find(({ check }) => check === 'server')?.outcome === 'ok'
  const bucket = o.signal?.aborted ? [] : await examineStore(config, secrets.secrets, running, o)
  return [...disk, ...urls, ...bucket]
}

const servesObjects = ({ storage }: Config): boolean => storage.driver === 'disk' || storage.delivery === 'proxied'

function told(o: DiagnoseOptions, result: Result): Result[] {
  o.tell(result)
  return [result]
}

async function secretsOf(config: Config, o: DiagnoseOptions): Promise<{ secrets: Secrets } | { failed: Result[] }> {
  try {
    return { secrets: await loadSecrets(config.storage.disk.path, { authSecret: config.auth.secret }) }
  } catch (error) {
    const fix = 'Do what the message says: without its secrets the server does not start.'
    return { failed: told(o, { group: 'disk', check: 'secrets', outcome: 'failed', message: reason(error), fix }) }
  }
}

function diskSubject({ storage, database }: Config): DiskSubject {
  const file = /^sqlite:(.+)$/.exec(database.url)?.[1]
  return {
    folder: resolve(storage.disk.path),
    holdsObjects: storage.driver === 'disk',
    minFree: storage.disk.minFree,
    fsync: storage.disk.fsync,
    indexVersion: schemaVersion,
    catalogVersions: Object.keys(migrations),
    catalogFile: file === undefined || file === ':memory:' ? null : resolve(file),
    openCatalog: () => createCatalog({ url: database.url }),
  }
}

/** An address to ask from this machine: what listens everywhere listens on loopback. */
function near({ host, port }: { host: string; port: number }): string {
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}

const trimmed = (url: string): string => url.replace(/\/+$/, '')

/** The objects endpoint as it listens, and as URLs name it. */
function objectsEndpoints({ server, objects }: Config): Endpoints {
  const shared = objects.listen === 'shared'
  const base = near(objects.listen === 'shared' ? server.listen : objects.listen)
  const outside = shared && server.publicUrl !== 'auto' ? `${trimmed(server.publicUrl)}/objects` : null
  const named = objects.publicUrl === 'auto' ? outside : trimmed(objects.publicUrl)
  const path = named === null ? (shared ? '/objects' : '') : new URL(named).pathname.replace(/\/$/, '')
  const publicEndpoint = named ?? base + path
  return { endpoint: base + path, publicEndpoint, named: { url: publicEndpoint, setting: 'objects.publicUrl' } }
}

function ownObjects(config: Config, secrets: Secrets, { now = () => new Date() }: DiagnoseOptions): StoreProbe {
  return createStoreProbe(diskTarget(config, secrets, objectsEndpoints(config), { origins: [], now }))
}

function urlSubject(config: Config, secrets: Secrets, objects: StoreProbe | null): UrlSubject {
  const { publicUrl, listen } = config.server
  const secret = createSecretKey(Buffer.from(secrets.jwtSecret))
  return {
    listenUrl: near(listen),
    apiUrl: publicUrl === 'auto' ? null : trimmed(publicUrl),
    proof: (nonce) => instanceProof(secret, nonce),
    objectsUrl: objects && objects.target.publicEndpoint,
    objects,
  }
}

async function examineStore(config: Config, secrets: Secrets, running: boolean, o: DiagnoseOptions): Promise<Result[]> {
  const endpoints = objectsEndpoints(config)
  const asked = { origins: o.origins, now: o.now ?? (() => new Date()) }
  let own: OwnEndpoint | null = null
  let probe: StoreProbe | null = null
  try {
    if (config.storage.driver === 's3') {
      probe = createStoreProbe(await bucketTarget(config, endpoints.publicEndpoint, asked))
    } else {
      if (!running) own = await openOwnEndpoint(config, secrets)
      const at = own ? { ...endpoints, endpoint: own.url, publicEndpoint: own.url } : endpoints
      probe = createStoreProbe(diskTarget(config, secrets, at, asked))
    }
    return await examine(probe, o)
  } catch (error) {
    const fix = 'Do what the message says, and run this again.'
    return told(o, { group: 'bucket', check: 'store', outcome: 'failed', message: `${reason(error)}`, fix })
  } finally {
    await probe?.cleanUp()
    await own?.close()
  }
}

async function examine(probe: StoreProbe, o: DiagnoseOptions): Promise<Result[]> {
  const { origins, kind } = probe.target
  const results = await runChecks('bucket', bucketChecks(origins), probe, o)
  const lacking = results.filter(({ check, outcome }) => check.startsWith('cors:') && outcome === 'failed')
  if (!o.fix || kind !== 's3' || lacking.length === 0) return results
  const applied = told(o, { group: 'bucket', check: 'cors-fix', ...(await applyCors(probe)) })
  if (applied[0]!.outcome !== 'ok') return [...results, ...applied]
  // Asked anew: what was lacking is judged by what the store does now.
  const again = bucketChecks(origins).filter(({ name }) => lacking.some(({ check }) => check === name))
  const after = await runChecks(
    'bucket',
    again.map(({ needs: _needs, ...check }) => check),
    probe,
    o,
  )
  return [...results.filter((result) => !lacking.includes(result)), ...applied, ...after]
}
