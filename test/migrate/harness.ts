/** A gateway whose store is changed under it: the bucket is one of a second gateway's, or of a real store. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { S3 } from '@aws-sdk/client-s3'
import type { Logger } from 'pino'
import { as, store as sendFile, type Caller, type Json } from '../api/caller.ts'
import { makeBench, type Bench, type Finished, type Started } from '../cli/run-postern.ts'
import { freePort } from '../cli/free-port.ts'
import { startGateway, type Overrides, type RunningGateway } from '../fixtures/gateway.ts'

const credentials = { accessKeyId: 'AKIAOWNER', secretAccessKey: 'a secret of an owner of one bucket, for tests' }

export type Bucket = { bucket: string; s3: Record<string, string | boolean>; client: S3; close(): Promise<void> }

/** A bucket at a second gateway, taken for any S3 store. */
export async function ownBucket(): Promise<Bucket> {
  const gateway = await startGateway({ keys: [{ ...credentials, owner: 'bob' }] })
  const bucket = `moved-${randomUUID()}`
  const common = { endpoint: gateway.objectsUrl, region: 'us-east-1', forcePathStyle: true }
  const client = new S3({ ...common, credentials: { ...credentials } })
  await client.createBucket({ Bucket: bucket })
  return {
    bucket,
    client,
    s3: { ...common, ...credentials, provider: 'aws' },
    async close() {
      client.destroy()
      await gateway.close()
    },
  }
}

/** Sorted. Leaves out the object that a server with the s3 driver writes at startup to check the bucket. */
export async function keysIn({ client, bucket }: Bucket): Promise<string[]> {
  const { Contents = [] } = await client.listObjectsV2({ Bucket: bucket })
  const keys = Contents.map(({ Key }) => Key!).filter((key) => key !== 'postern-write-check')
  return keys.toSorted()
}

export type Sent = { file: Json; sha256: string }

export class MigrationHarness {
  readonly dir: string
  readonly store: Bucket
  readonly bench: Bench = makeBench()
  readonly #ports: readonly [number, number]
  #running: RunningGateway | undefined

  private constructor(dir: string, store: Bucket, ports: readonly [number, number]) {
    this.dir = dir
    this.store = store
    this.#ports = ports
  }

  static async create(store: Bucket): Promise<MigrationHarness> {
    const dir = await mkdtemp(join(tmpdir(), 'postern-migrate-'))
    return new MigrationHarness(dir, store, [await freePort(), await freePort()])
  }

  storage(driver: 'disk' | 's3', more: Overrides = {}): Overrides {
    const { bucket, s3 } = this.store
    return { storage: { driver, bucket, s3, ...more }, uploads: { partSize: '5MiB', allowedTypes: ['*/*'] } }
  }

  get running(): RunningGateway {
    return this.#running!
  }

  /** Ends the gateway that runs, and starts one over the same folder with this driver. */
  async start(driver: 'disk' | 's3', more: Overrides = {}, log?: Logger): Promise<RunningGateway> {
    await this.stop()
    // The same addresses again: URLs that were handed out name them.
    const [api, objects] = this.#ports.map((port) => ({ listen: `127.0.0.1:${port}` }))
    const settings = { ...this.storage(driver), server: api, objects, ...more }
    this.#running = await startGateway(settings, { dir: this.dir, ...(log && { log }) })
    return this.#running
  }

  /** Until it is started again. */
  async stop(): Promise<void> {
    await this.#running?.close()
    this.#running = undefined
  }

  async alice(): Promise<Caller> {
    return as(this.running, 'alice')
  }

  args(to: 'disk' | 's3', ...more: string[]): string[] {
    const { bucket, s3 } = this.store
    const settings: Record<string, string> = {
      'storage.disk.path': join(this.dir, 'storage'),
      'storage.disk.minFree': '1MiB',
      'storage.bucket': bucket,
      'storage.driver': to,
      'database.url': `sqlite:${join(this.dir, 'catalog.sqlite')}`,
      'uploads.partSize': '5MiB',
      ...Object.fromEntries(Object.entries(s3).map(([name, value]) => [`storage.s3.${name}`, String(value)])),
    }
    const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
    return ['migrate', '--to', to, '--json', ...set, ...more]
  }

  begin = (to: 'disk' | 's3', ...more: string[]): Started => this.bench.start(this.args(to, ...more))

  async migrate(to: 'disk' | 's3', ...more: string[]) {
    return outcome(await this.begin(to, ...more).finished)
  }

  async send(size: number, fields: object = {}): Promise<Sent> {
    const bytes = randomBytes(size)
    const mimeType = 'application/octet-stream'
    const value = createHash('sha256').update(bytes).digest('base64')
    const file = await sendFile(await this.alice(), bytes, {
      filename: 'some.bin',
      mimeType,
      size,
      checksum: { algorithm: 'sha256', value },
      ...fields,
    })
    return { file, sha256: Buffer.from(value, 'base64').toString('hex') }
  }

  async url(id: string): Promise<string> {
    const { status, json, text } = await (await this.alice()).get(`/files/${id}/download-url`)
    if (status !== 200) throw new Error(`download-url answered ${status}: ${text}`)
    return json.downloadUrl
  }

  /** Rejects unless each file, read by a fresh URL, has the bytes that were sent. */
  async expectReadable(files: readonly Sent[]): Promise<void> {
    for (const { file, sha256 } of files) {
      const found = await hashAt(await this.url(file.id))
      if (found !== sha256) throw new Error(`file ${file.id} reads as ${found}, not as ${sha256}`)
    }
  }

  async close(): Promise<void> {
    await this.bench.remove()
    await this.stop()
    await rm(this.dir, { recursive: true, force: true })
    await this.store.close()
  }
}

export async function hashAt(url: string): Promise<string> {
  const answer = await fetch(url)
  const bytes = Buffer.from(await answer.arrayBuffer())
  return answer.status === 200 ? createHash('sha256').update(bytes).digest('hex') : `${answer.status} ${bytes}`
}

export type Outcome = { exitCode: number | null; stderr: string } & Record<string, any>

export const outcome = ({ exitCode, stdout, stderr }: Finished): Outcome => ({
  exitCode,
  stderr,
  ...(JSON.parse(stdout || '{}') as object),
})
