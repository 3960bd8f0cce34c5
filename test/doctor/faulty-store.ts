/** Our own endpoint as a bucket, behind a proxy that can simulate faulty stores. */
import { createServer, request as forward, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { StoreTarget } from '../../src/doctor/bucket/store-probe.ts'
import { bucketChecks } from '../../src/doctor/bucket/bucket-checks.ts'
import { createStoreProbe, type StoreProbe } from '../../src/doctor/bucket/store-probe.ts'
import { runChecks, type Result } from '../../src/doctor/check.ts'
import type { StorageDriver } from '../../src/drivers/driver.ts'
import { startGateway } from '../fixtures/gateway.ts'

export const origin = 'https://app.example.com'
export const owner = { accessKeyId: 'AKIADOCTORDOCTOR0001', secretAccessKey: 'kR7vQ2mXw9LpB4sTz8HnC6dYg3JfA5eU1oKi' }
export const bucket = 'patient'

export type Asked = {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Buffer
  key: string
}
type Reply = { status: number; headers?: Record<string, string>; body?: string | Buffer }

export type Fault = {
  /** Answers itself, or leaves it to the store. */
  answer?: (asked: Asked, store: StorageDriver) => Promise<Reply | null> | Reply | null
  /** Changes what the store answered. */
  after?: (headers: IncomingHttpHeaders, asked: Asked) => void
  /** The Host that the store is shown. */
  host?: string
}

export const refusal = (status: number, code: string, message = 'm'): Reply => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
})

export type FaultyStore = {
  url: string
  store: StorageDriver
  fault: Fault
  target(o?: Partial<StoreTarget>): StoreTarget
  /** Runs every check of the bucket, and tidies up. */
  examine(o?: Partial<StoreTarget>): Promise<Result[]>
  probe(o?: Partial<StoreTarget>): StoreProbe
  close(): Promise<void>
}

export async function startFaultyStore(): Promise<FaultyStore> {
  const gateway = await startGateway({ keys: [{ ...owner, owner: 'patient' }], cors: { origins: [origin] } })
  const { driver: store } = gateway.gateway
  await store.createBucket(bucket, { owner: 'patient' })
  const behind = new URL(gateway.objectsUrl)

  const server = createServer(async (req, res) => {
    const { fault } = faulty
    const url = new URL(req.url ?? '/', 'http://proxy')
    const body = Buffer.concat(await req.toArray())
    const key = decodeURIComponent(url.pathname.split('/').slice(2).join('/'))
    const asked: Asked = {
      method: req.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: req.headers,
      body,
      key,
    }
    const own = await fault.answer?.(asked, store)
    if (own) return void res.writeHead(own.status, own.headers).end(asked.method === 'HEAD' ? undefined : own.body)
    const headers = { ...req.headers, ...(fault.host !== undefined && { host: fault.host }) }
    const { method, url: path } = req
    const onward = forward(
      { host: behind.hostname, port: behind.port, method, path, headers, agent: false },
      (answer) => {
        fault.after?.(answer.headers, asked)
        res.writeHead(answer.statusCode ?? 0, answer.headers)
        answer.pipe(res)
      },
    )
    onward.on('error', () => res.destroy())
    onward.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const faulty: FaultyStore = {
    url,
    store,
    fault: {},
    target: (o = {}) => ({
      isOwnEndpoint: false,
      settings: {
        endpoint: 'storage.s3.endpoint',
        publicEndpoint: 'storage.s3.publicEndpoint',
        region: 'storage.s3.region',
      },
      endpoint: url,
      publicEndpoint: url,
      named: { url: o.publicEndpoint ?? url, setting: 'storage.s3.publicEndpoint' },
      bucket,
      region: 'us-east-1',
      pathStyle: true,
      prefix: 'app/',
      credentials: owner,
      expiration: null,
      provider: 'other',
      signsLength: true,
      longestUrl: 3600,
      origins: [],
      now: () => new Date(),
      ...o,
    }),
    probe: (o) => createStoreProbe(faulty.target(o)),
    async examine(o) {
      const probe = faulty.probe(o)
      try {
        return await runChecks('bucket', bucketChecks(probe.target.origins), probe)
      } finally {
        await probe.cleanUp()
      }
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await gateway.close()
    },
  }
  return faulty
}

/** Takes any PUT of an object as it comes, whatever it says of itself. */
export async function takeBlindly(asked: Asked, store: StorageDriver): Promise<Reply> {
  const { etag } = await store.putObject({ bucket, key: asked.key }, Readable.from([asked.body]))
  return { status: 200, headers: { etag: `"${etag}"` } }
}
