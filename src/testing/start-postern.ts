/** A gateway for tests, in this process: `import { startPostern } from 'postern/testing'`. */
import { createHmac, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { configSections } from '../config/config-keys.ts'
import { devAccessKey } from '../config/dev-mode.ts'
import { loadConfig } from '../config/load-config.ts'
import { isStorageError } from '../errors.ts'
import { createLogger } from '../http/logger.ts'
import { createGateway, type Gateway } from '../main.ts'
import { randomKey } from '../config/random-key.ts'
import { testSeed } from '../config/environment.ts'
import type { EventType } from '../catalog/webhook-catalog.ts'
import { childVariables, type ChildTarget } from './child-environment.ts'
import type { FileFacts, FileMatch } from './file-events.ts'
import { addFault, type Fault, type FaultInput, type Narrowed } from './faults/fault.ts'
import { clockOf, type Clock } from './test-clock.ts'
import { openFixture, readFixtures, typeOf } from './load-fixtures.ts'
import { isFile, restoreSaved, save } from './saved-state.ts'
import type { RequestJournal } from './request-journal.ts'
import { TestMode } from './test-mode.ts'
import { temporaryStateFolder, withoutScrub } from '../config/state-folder.ts'

export type StartOptions = {
  /** Decides the random choices of fault rules. Default: POSTERN_TEST_SEED, else a random number. */
  seed?: number
  /** The time at which the gateway's clock starts, e.g. `2026-01-01T00:00:00Z`. Default: now. */
  now?: Date | string
  /** Buckets to create, owned by the fixed access key. The first one is AWS_S3_BUCKET of `env`. */
  buckets?: readonly string[]
  /** A folder whose files become objects of the first bucket, or as its `postern.yaml` says. Or a file from `save`. */
  load?: string
  /** Settings as in config/default.yaml, e.g. `{ quotas: { userFiles: 3 } }`. */
  config?: Settings
  /** Create a bucket when an access key first uses it. Default: false, so that a missing bucket is NoSuchBucket. */
  createBuckets?: boolean
  /** Refuse requests without a token. Default: false. Such requests then act as the user `dev`. */
  requireToken?: boolean
  /** Do not delete the temporary folder in `stop`. */
  keepFolder?: boolean
  /** Ports to listen on. Default: free ports. */
  ports?: { api?: number; objects?: number }
}

export type Settings = { [key: string]: unknown }

export type UploadInput = {
  filename: string
  content: string | Uint8Array
  /** Default: by the extension of `filename`. */
  mimeType?: string
  visibility?: 'private' | 'public'
  metadata?: Record<string, unknown>
}

/** The options of `new S3Client(…)` of the AWS SDK for JavaScript. */
export type S3ClientConfig = {
  endpoint: string
  region: string
  forcePathStyle: true
  credentials: { accessKeyId: string; secretAccessKey: string }
}

export type TestWorker = {
  /** The bucket of this worker. Only its access key owns it. */
  bucket: string
  owner: string
  s3Config(): S3ClientConfig
  env: Record<string, string>
  /** Faults for the requests of this worker's access key only. */
  fault(rule: FaultInput, narrowed?: Narrowed): Fault
  /** Requests that this worker's access key sent. */
  requests(): ReturnType<RequestJournal['list']>
}

export interface Postern extends AsyncDisposable {
  /** The URL of the JSON API, without a trailing slash. */
  readonly url: string
  /** The URL of the S3 endpoint. */
  readonly objectsUrl: string
  /** Environment variables that let an application use this gateway. */
  readonly env: Readonly<Record<string, string>>
  readonly requests: RequestJournal
  /** Decides the random choices of fault rules. */
  readonly seed: number
  readonly clock: Clock
  readonly gateway: Gateway
  /** The temporary folder of bytes and databases. */
  readonly folder: string
  s3Config(): S3ClientConfig
  /** A bearer token for a user, valid for an hour unless `claims.exp` says otherwise. */
  tokenFor(sub: string, claims?: Record<string, unknown>): Promise<string>
  /** Uploads and confirms a file through the API. Resolves to its record. */
  upload(owner: string, file: UploadInput): Promise<FileFacts>
  /**
   * Resolves to the file of the first event that matches, including events since the start or the last reset. Rejects after
   * `timeout` milliseconds (default 5000).
   */
  waitFor(event: EventType, match?: FileMatch, o?: { timeout?: number }): Promise<FileFacts>
  /** An isolated bucket and access key for a parallel test worker. Pass the worker id of the test runner, e.g. `worker(1)`. */
  worker(id: string | number | undefined): Promise<TestWorker>
  /**
   * Makes requests fail: a preset (`lost-answer`) or a rule. `narrowed` limits the requests. The fault ends with
   * `remove`, `reset`, or the block of `await using`.
   */
  fault(rule: FaultInput, narrowed?: Narrowed): Fault
  /** Saves the current objects, buckets, files and uploads in memory. */
  snapshot(): Promise<string>
  restore(snapshot: string): Promise<void>
  /** Restores the state after `buckets` and `load`, and empties the journal. */
  reset(): Promise<void>
  /** Writes everything to a file for `load`. */
  save(file: string): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts a gateway on free loopback ports with a temporary folder. Reads only POSTERN_TEST_SEED of the environment, and
 * nothing of the working directory.
 */
export async function startPostern(o: StartOptions = {}): Promise<Postern> {
  const folder = await mkdtemp(join(tmpdir(), 'postern-'))
  const cleanUp = async (): Promise<void> => {
    if (o.keepFolder !== true) await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  try {
    const started = await start(folder, o)
    const stop = async (): Promise<void> => {
      await started.gateway.close()
      await cleanUp()
    }
    return { ...started, stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await cleanUp()
    throw error
  }
}

async function start(folder: string, o: StartOptions): Promise<Omit<Postern, 'stop' | typeof Symbol.asyncDispose>> {
  const seed = o.seed ?? testSeed()
  const mode = new TestMode({ createsBuckets: o.createBuckets ?? false, ...(seed !== null && { seed }) })
  if (o.now !== undefined) mode.clock.startAt(o.now)
  const { config } = loadConfig({
    env: {},
    cwd: folder,
    dev: true,
    flags: { ...ownSettings(folder, o), ...flatten(o.config ?? {}) },
  })
  const isSaved = o.load !== undefined && (await isFile(o.load))
  if (isSaved) await restoreSaved(o.load!, config)
  const secrets = {
    version: 1 as const,
    jwtSecret: randomBytes(32).toString('base64url'),
    signing: randomKey('POSTERN'),
  }
  const authSecret = config.auth.secret === 'auto' ? secrets.jwtSecret : config.auth.secret
  const gateway = await createGateway(config, {
    secrets: { ...secrets, jwtSecret: authSecret },
    log: createLogger(config.log),
    dev: o.requireToken !== true,
    testMode: mode,
  })
  const state = gateway.testState!
  try {
    const { apiUrl: url, objectsUrl } = await gateway.listen()
    if (objectsUrl === null) {
      throw new Error('The test kit needs the objects endpoint. Use the disk driver, or storage.delivery: proxied.')
    }
    const emptyFile = join(folder, 'aws-config')
    await writeFile(emptyFile, '')
    const buckets = o.buckets ?? []
    const base = {
      apiUrl: url,
      objectsUrl,
      region: config.objects.region,
      testToken: mode.token,
      authSecret,
      emptyFile,
    }
    const target: ChildTarget = { ...base, ...credentialsOf(devAccessKey), buckets }
    const tokenFor = (sub: string, claims: Record<string, unknown> = {}): Promise<string> =>
      signToken(sub, claims, {
        now: mode.clock.now(),
        secret: authSecret,
        issuer: config.auth.issuer,
        audience: config.auth.audience,
      })
    const upload = async (owner: string, file: UploadInput): Promise<FileFacts> =>
      uploadFile(url, await tokenFor(owner), owner, file)

    for (const bucket of buckets) await ensureBucket(gateway, bucket, devAccessKey.owner)
    if (o.load !== undefined && !isSaved) await load(gateway, o.load, buckets, upload)
    mode.requests.clear()
    // `reset` restores this snapshot.
    await state.snapshot()

    return {
      url,
      objectsUrl,
      env: childVariables(target),
      requests: mode.requests,
      gateway,
      folder,
      seed: mode.faults.seed,
      clock: clockOf(mode),
      fault: (rule, narrowed = {}) => addFault(mode, rule, narrowed),
      s3Config: () => s3ConfigOf(target),
      tokenFor,
      upload,
      waitFor: (event, match = {}, { timeout = 5000 } = {}) => mode.events.waitFor(event, match, timeout),
      worker: (id) => makeWorker({ id, mode, gateway, base }),
      snapshot: async () => (await state.snapshot()).id,
      restore: (snapshot) => state.restore(snapshot),
      reset: () => state.reset(),
      save: (file) => save(file, config),
    }
  } catch (error) {
    await gateway.close()
    throw error
  }
}

const ownSettings = (folder: string, { ports }: StartOptions): Settings => ({
  'server.listen': `127.0.0.1:${ports?.api ?? 0}`,
  'objects.listen': `127.0.0.1:${ports?.objects ?? 0}`,
  ...temporaryStateFolder(join(folder, 'storage')),
  ...withoutScrub,
  'log.level': 'silent',
})

/** Turns nested settings into dotted keys. */
function flatten(settings: Settings, path = ''): Settings {
  const flat: Settings = {}
  for (const [name, value] of Object.entries(settings)) {
    const key = path === '' ? name : `${path}.${name}`
    if (configSections.has(key) && typeof value === 'object' && value !== null)
      Object.assign(flat, flatten(value as Settings, key))
    else flat[key] = value
  }
  return flat
}

const credentialsOf = ({ accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string }) => ({
  accessKeyId,
  secretAccessKey,
})

const s3ConfigOf = (target: ChildTarget): S3ClientConfig => ({
  endpoint: target.objectsUrl,
  region: target.region,
  forcePathStyle: true,
  credentials: credentialsOf(target),
})

function signToken(
  sub: string,
  claims: Record<string, unknown>,
  o: { now: Date; secret: string; issuer: string | null; audience: string | null },
): Promise<string> {
  const issued = {
    exp: Math.floor(o.now.getTime() / 1000) + 3600,
    ...(o.issuer === null ? {} : { iss: o.issuer }),
    ...(o.audience === null ? {} : { aud: o.audience }),
    ...claims,
  }
  return new SignJWT(issued)
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub)
    .sign(new TextEncoder().encode(o.secret))
}

/** Uploads like a client: requests a URL, sends the bytes, confirms. Throws an Error with the message of a refusal. */
async function uploadFile(url: string, token: string, owner: string, file: UploadInput): Promise<FileFacts> {
  const content = typeof file.content === 'string' ? Buffer.from(file.content) : file.content
  const mimeType = file.mimeType ?? typeOf(file.filename)
  const call = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return read(response, path)
  }
  const { visibility, metadata } = file
  const grant = await call('/files/upload-url', {
    filename: file.filename,
    mimeType,
    size: content.byteLength,
    ...(visibility && { visibility }),
    ...(metadata && { metadata }),
  })
  const put = await fetch(String(grant['uploadUrl']), {
    method: String(grant['method']),
    headers: grant['headers'] as Record<string, string>,
    body: content as BodyInit,
  })
  if (!put.ok) throw new Error(`The upload of ${file.filename} was refused: ${put.status} ${await put.text()}`)
  return { owner, ...(await call('/files/confirm', { id: grant['id'] })) }
}

async function read(response: Response, path: string): Promise<Record<string, unknown>> {
  const answer = (await response.json()) as Record<string, unknown>
  if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${String(answer['error'])}`)
  return answer
}

async function ensureBucket({ driver }: Gateway, bucket: string, owner: string): Promise<void> {
  await driver.createBucket(bucket, { owner }).catch((cause: unknown) => {
    if (!isStorageError(cause, 'BucketAlreadyOwnedByYou')) throw cause
  })
}

async function load(
  gateway: Gateway,
  folder: string,
  buckets: readonly string[],
  upload: Postern['upload'],
): Promise<void> {
  const fixtures = await readFixtures(folder, buckets)
  for (const bucket of fixtures.buckets) {
    await ensureBucket(gateway, bucket, devAccessKey.owner)
  }
  for (const object of fixtures.objects) {
    await gateway.driver.putObject(object, openFixture(object), {
      contentType: object.contentType,
      contentLength: object.size,
    })
  }
  for (const { owner, path, filename, ...file } of fixtures.files) {
    const { mimeType, visibility, metadata, content } = file
    await upload(owner, {
      filename: filename ?? path.split('/').at(-1)!,
      content,
      ...(mimeType !== undefined && { mimeType }),
      ...(visibility !== undefined && { visibility }),
      ...(metadata !== undefined && { metadata }),
    })
  }
}

async function makeWorker(o: {
  id: string | number | undefined
  mode: TestMode
  gateway: Gateway
  base: Omit<ChildTarget, 'buckets' | 'accessKeyId' | 'secretAccessKey'>
}): Promise<TestWorker> {
  const id = String(o.id ?? '1').toLowerCase()
  if (!/^[a-z0-9-]{1,40}$/.test(id)) throw new Error(`"${id}" is not a worker id. Use 1 to 40 letters, digits and "-".`)
  const owner = `worker-${id}`
  const bucket = `worker-${id}`
  const key = {
    accessKeyId: owner,
    secretAccessKey: createHmac('sha256', o.mode.token).update(owner).digest('hex'),
    owner,
  }
  o.mode.addKey(key)
  await ensureBucket(o.gateway, bucket, owner)
  const target: ChildTarget = { ...o.base, ...credentialsOf(key), buckets: [bucket] }
  return {
    bucket,
    owner,
    s3Config: () => s3ConfigOf(target),
    env: childVariables(target),
    fault: (rule, narrowed = {}) => addFault(o.mode, rule, { ...narrowed, accessKey: key.accessKeyId }),
    requests: () => o.mode.requests.list({ keyOwner: owner }),
  }
}
