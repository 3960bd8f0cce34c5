/** The objects endpoint alone with a disk store in a temporary folder, and signed requests to it over raw sockets. */
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { createDiskDriver } from '../../src/drivers/disk/disk-driver.ts'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { createAccessLog } from '../../src/http/access-log.ts'
import { createLogger } from '../../src/http/logger.ts'
import { createServer } from '../../src/http/server.ts'
import { createObjectsApp, type ObjectsDeps } from '../../src/s3/app.ts'
import { plainAnswer } from '../../src/s3/plain-answer.ts'
import { createKeyRing } from '../../src/s3/key-ring.ts'
import { presign } from '../../src/sigv4/presign.ts'
import { signRequest } from '../../src/sigv4/sign-request.ts'
import { teeLog } from '../fixtures/captured-log.ts'
import { connect, rawHead, type RawAnswer, type RawConnection } from '../fixtures/raw-http.ts'

export const gatewayBucket = 'postern'
export const keys = {
  gateway: { accessKeyId: 'POSTERNTESTTESTTEST1', secretAccessKey: 'test-signing-secret-0123456789abcdef0123' },
  alice: { accessKeyId: 'ALICETESTTESTTESTTE1', secretAccessKey: 'alice-secret-0123456789abcdef0123456789' },
  bob: { accessKeyId: 'BOBTESTTESTTESTTEST1', secretAccessKey: 'bob-secret-0123456789abcdef012345678900' },
} as const
export type Who = keyof typeof keys

export type SignedOptions = {
  query?: Record<string, string>
  headers?: Record<string, string>
  /** Sent beside the signed headers, unsigned. */
  unsigned?: Record<string, string>
  body?: string | Buffer
  /** x-amz-content-sha256; default: the hash of the body. */
  payload?: string
  now?: Date
}
export type PresignedOptions = {
  query?: Record<string, string>
  headers?: Record<string, string>
  expiresIn?: number
  now?: Date
}

export type Endpoint = {
  url: string
  store: StorageDriver
  log: string[]
  /** Signed by its Authorization header. */
  signed(who: Who, method: string, path: string, o?: SignedOptions): Promise<RawAnswer>
  /** The target of a presigned URL, path and query, as it goes on the wire. */
  target(who: Who, method: string, bucket: string, key: string, o?: PresignedOptions): string
  /** Anything, as it is. */
  raw(method: string, target: string, headers?: Record<string, string>, body?: string | Buffer): Promise<RawAnswer>
  connect(): Promise<RawConnection>
  client(who: Who): S3Client
  /** Everything that a refused request must leave as it was. */
  state(): Promise<{ objects: string[]; files: string[] }>
  close(): Promise<void>
}

export const sha256 = (body: string | Buffer): string => createHash('sha256').update(body).digest('hex')

export async function startEndpoint(overrides: Partial<ObjectsDeps> = {}): Promise<Endpoint> {
  const dir = await mkdtemp(join(tmpdir(), 'postern-s3-'))
  const now = overrides.now ?? ((): Date => new Date())
  let url = ''
  const prefix = overrides.pathPrefix?.() ?? ''
  const store = await createDiskDriver({
    path: dir,
    bucket: gatewayBucket,
    fsync: 'none',
    minFree: 0,
    publicUrl: () => url + prefix,
    region: 'us-east-1',
    credentials: keys.gateway,
    now,
    grace: 0,
  })
  const lines: string[] = []
  const log = createLogger({ level: 'debug', format: 'json' }, teeLog(lines))
  const app = createObjectsApp({
    store,
    keys: createKeyRing([
      { ...keys.gateway, owner: 'postern' },
      { ...keys.alice, owner: 'alice' },
      { ...keys.bob, owner: 'bob' },
    ]),
    region: 'us-east-1',
    gatewayBucket,
    gatewayOwner: 'postern',
    publicPrefix: 'public/',
    pathPrefix: () => '',
    virtualHosts: null,
    corsOrigins: () => ['https://app.example.com'],
    maxGatewayPut: 1024 * 1024,
    inlineTypes: ['image/png', 'text/plain'],
    sinks: [createAccessLog(log)],
    log,
    now,
    ...overrides,
  })
  const server = createServer(app.callback(), {
    log,
    shutdownTimeout: 1,
    plainAnswer,
    rateFloor: { bytesPerSecond: 1024, window: 60 },
  })
  url = await server.listen({ host: '127.0.0.1', port: 0 })

  const send = async (method: string, head: string, body: string | Buffer): Promise<RawAnswer> => {
    const connection = await connect(url)
    try {
      await connection.send(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)])).catch(() => {})
      return await connection.answer({ head: method === 'HEAD' })
    } finally {
      connection.close()
    }
  }

  return {
    url: url + prefix,
    store,
    log: lines,
    signed(who, method, path, o = {}) {
      const body = o.body ?? ''
      const query = new URLSearchParams(o.query).toString().replaceAll('+', '%20')
      const target = `${prefix}${path}${query === '' ? '' : `?${query}`}`
      const length = method === 'PUT' || method === 'POST' ? { 'content-length': String(Buffer.byteLength(body)) } : {}
      const { headers } = signRequest({
        method,
        url: url + target,
        headers: { ...length, ...o.headers },
        payload: o.payload ?? sha256(body),
        credentials: keys[who],
        region: 'us-east-1',
        now: o.now ?? now(),
      })
      return send(method, rawHead(url, method, target, { ...(headers as Record<string, string>), ...o.unsigned }), body)
    },
    target(who, method, bucket, key, o = {}) {
      const signed = presign({
        method,
        endpoint: url + prefix,
        bucket,
        key,
        pathStyle: true,
        query: o.query ?? {},
        headers: o.headers ?? {},
        credentials: keys[who],
        region: 'us-east-1',
        expiresIn: o.expiresIn ?? 600,
        now: o.now ?? now(),
      })
      return signed.url.slice(url.length)
    },
    raw: (method, target, headers = {}, body = '') => send(method, rawHead(url, method, target, headers), body),
    connect: () => connect(url),
    client: (who) =>
      new S3Client({
        endpoint: url + prefix,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: keys[who],
        maxAttempts: 1,
      }),
    async state() {
      const buckets = await Promise.all(['postern', 'alice', 'bob'].map((owner) => store.listBuckets({ owner })))
      const pages = await Promise.all(
        buckets.flat().map(async ({ bucket }) => {
          const { objects } = await store.listObjects({ bucket })
          return [bucket, ...objects.map(({ key, etag }) => `${bucket}/${key} ${etag}`)]
        }),
      )
      const files = await readdir(dir, { recursive: true, withFileTypes: true })
      return {
        objects: pages.flat(),
        files: files
          .filter((entry) => entry.isFile() && !/sqlite/.test(entry.name))
          .map((entry) => join(entry.parentPath, entry.name).slice(dir.length))
          .toSorted(),
      }
    },
    async close() {
      await server.close()
      await store.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** The text of one element of an XML answer. */
export const element = (answer: RawAnswer, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(answer.text)?.[1]
