/** The messages of `serve` about a bucket at startup: the check, and what to do if it fails. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createOwnBucket, owner } from '../conformance/own-endpoint.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { startStallingProxy, type StallingProxy } from '../fixtures/stalling-proxy.ts'
import { makeBench, type Bench, type Started } from './run-postern.ts'
import { limit } from '../fixtures/time-limit.ts'

let bench: Bench
let store: RunningGateway
let proxy: StallingProxy
let bucket: string
beforeEach(async () => {
  bench = makeBench()
  store = await startGateway({ keys: [owner] })
  bucket = await createOwnBucket(store.objectsUrl)
  proxy = await startStallingProxy({ port: Number(new URL(store.objectsUrl).port) })
})
afterEach(async () => {
  await bench.remove()
  await proxy.close()
  await store.close()
})

function serve(set: Record<string, string> = {}, ...flags: string[]): Started {
  const settings = {
    'server.listen': '127.0.0.1:0',
    'storage.driver': 's3',
    'storage.bucket': bucket,
    'storage.s3.endpoint': `http://127.0.0.1:${proxy.port}`,
    'storage.s3.region': 'us-east-1',
    'storage.s3.forcePathStyle': 'true',
    'storage.s3.accessKeyId': owner.accessKeyId,
    'storage.s3.secretAccessKey': owner.secretAccessKey,
    ...set,
  }
  const args = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  return bench.start(['serve', '--dev', ...flags, ...args])
}

type Line = { api: string; ready: boolean; problems: { message: string; fix?: string }[] }
async function firstLine(server: Started): Promise<Line> {
  const [line] = await server.until(/^\{"api":.*\}$/m)
  return JSON.parse(line) as Line
}

const statusOf = async (url: string, init?: RequestInit): Promise<number> => (await fetch(url, init)).status
const askForUpload = (api: string): Promise<number> =>
  statusOf(`${api}/files/upload-url`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ filename: 'a.txt', mimeType: 'text/plain' }),
  })

describe('serve with the s3 driver', () => {
  it('reports that it is ready once it has written to the bucket', async () => {
    const { api, ready, problems } = await firstLine(serve({}, '--json'))
    expect({ ready, problems }).toEqual({ ready: true, problems: [] })
    const { objects } = await store.gateway.driver.listObjects({ bucket })
    expect(objects.map(({ key }) => key)).toEqual(['postern-write-check'])
    expect(await statusOf(`${api}/readyz`)).toBe(200)
  })

  it.each([
    [
      'a wrong secret',
      { 'storage.s3.secretAccessKey': 'not-the-secret-of-this-key' },
      /rejects the signature/,
      /secretAccessKey/,
    ],
    [
      'an unknown access key',
      { 'storage.s3.accessKeyId': 'AKIANOBODY' },
      /does not know the access key/,
      /accessKeyId/,
    ],
    [
      'a bucket that is not there',
      { 'storage.bucket': 'nowhere-to-be-found' },
      /no bucket nowhere-to-be-found/,
      /storage\.bucket/,
    ],
  ])(
    'says ✖ with the sentence of doctor for %s, and keeps running without issuing URLs',
    async (_, set, message, fix) => {
      const server = serve(set)
      const [, api] = await server.until(/API +(http:\S+)[\s\S]*retries every/)
      const { stderr } = server.output()
      expect(stderr).toContain('running, but not ready for uploads')
      expect(stderr).not.toContain('Upload, confirm and download')
      const [, said, advice] = /✖ (.*)\n +(.*)/.exec(stderr) ?? []
      expect(said).toMatch(message)
      expect(advice).toMatch(fix)
      expect(await statusOf(`${api}/readyz`)).toBe(503)
      expect(await askForUpload(api!)).toBe(503)
      expect(await statusOf(`${api}/healthz`)).toBe(200)
      expect(server.child.exitCode).toBe(null)
    },
  )

  it('names settings and variables once if it has no credentials', async () => {
    const args = ['--port', '0', '--set', 'objects.listen=127.0.0.1:0', '--driver', 's3']
    const at = [`storage.bucket=${bucket}`, `storage.s3.endpoint=${store.objectsUrl}`, 'storage.s3.region=us-east-1']
    const server = bench.start(['serve', '--json', ...args, ...at.flatMap((one) => ['--set', one])], {
      env: { AWS_EC2_METADATA_DISABLED: 'true' },
    })
    const { ready, problems } = await firstLine(server)
    expect(ready).toBe(false)
    expect(problems[0]?.message.match(/No credentials/g)).toHaveLength(1)
    expect(problems[0]?.message).toMatch(/storage\.s3\.accessKeyId .* AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/)
  })

  it('reports ✖ for a bucket that never responds, and is ready once it responds', async () => {
    proxy.change('stall')
    const { api, ready, problems } = await firstLine(serve({}, '--json'))
    expect(ready).toBe(false)
    expect(problems[0]?.message).toContain('does not answer')
    expect(await statusOf(`${api}/readyz`)).toBe(503)
    proxy.change('pass')
    await vi.waitFor(async () => expect(await statusOf(`${api}/readyz`)).toBe(200), { timeout: limit(30_000) })
    expect(await askForUpload(api)).toBe(200)
  })

  it('reports ✖ with several workers too', async () => {
    const set = { 'server.workers': '2', 'storage.s3.secretAccessKey': 'not-the-secret-of-this-key' }
    const { ready, problems } = await firstLine(serve(set, '--json'))
    expect(ready).toBe(false)
    expect(problems[0]?.message).toContain('rejects the signature')
  })

  it('serves its files after only storage.driver was changed, with credentials in the S3_ variables', async () => {
    const env = {
      S3_ENDPOINT: `http://127.0.0.1:${proxy.port}`,
      S3_BUCKET: bucket,
      S3_REGION: 'us-east-1',
      S3_ACCESS_KEY: owner.accessKeyId,
      S3_SECRET_KEY: owner.secretAccessKey,
      POSTERN_SERVER_LISTEN: '127.0.0.1:0',
      POSTERN_OBJECTS_LISTEN: '127.0.0.1:0',
      POSTERN_STORAGE_DISK_MIN_FREE: '1MiB',
    }
    const args = ['serve', '--dev', '--json', '--set']
    const before = bench.start([...args, 'storage.driver=s3'], { env })
    const { api } = await firstLine(before)
    const post = async (path: string, body: object): Promise<Record<string, string>> => {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${api}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
      return (await answer.json()) as Record<string, string>
    }
    const issued = await post('/files/upload-url', { filename: 'a.txt', mimeType: 'text/plain' })
    const headers = { 'content-type': 'text/plain' }
    expect(await statusOf(issued['uploadUrl']!, { method: 'PUT', headers, body: 'in the bucket' })).toBe(200)
    const { id } = await post('/files/confirm', { key: issued['key'] })
    before.child.kill('SIGTERM')
    expect((await before.finished).exitCode).toBe(0)

    const after = await firstLine(bench.start([...args, 'storage.driver=disk'], { env }))
    const content = await fetch(`${after.api}/files/${id}/content`)
    expect([content.status, await content.text()]).toEqual([200, 'in the bucket'])
  })

  it('exits with 2 for conflicting settings', async () => {
    const server = serve({ 'storage.s3.provider': 'r2', 'storage.s3.endpoint': 'null' })
    const { exitCode, stderr } = await server.finished
    expect(exitCode).toBe(2)
    expect(stderr).toContain('The provider r2 requires storage.s3.endpoint')
  })
})
