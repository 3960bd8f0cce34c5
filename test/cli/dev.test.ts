/** `postern dev`: the features of a bucket, on this machine only. */
import { existsSync } from 'node:fs'
import { get } from 'node:http'
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rawRequest } from '../fixtures/raw-http.ts'
import { freePort } from './free-port.ts'
import { makeBench, type Bench, type Started } from './run-postern.ts'

let bench: Bench
beforeEach(() => {
  bench = makeBench()
})
afterEach(() => bench.remove())

const ports = ['--port', '0', '--set', 'objects.listen=127.0.0.1:0']

/** The addresses and variables that the banner prints. */
async function banner(started: Started): Promise<Record<string, string>> {
  await started.until(/POSTERN_TEST_TOKEN=\S+/)
  const { stdout } = started.output()
  return Object.fromEntries([...stdout.matchAll(/^([A-Z0-9_]+)=(\S+)$/gm)].map(([, name, value]) => [name!, value!]))
}

const clientOf = (env: Record<string, string>): S3Client =>
  new S3Client({
    endpoint: env['AWS_ENDPOINT_URL_S3']!,
    region: env['AWS_REGION']!,
    forcePathStyle: true,
    credentials: { accessKeyId: env['AWS_ACCESS_KEY_ID']!, secretAccessKey: env['AWS_SECRET_ACCESS_KEY']! },
  })

describe('postern dev', () => {
  test('runs for the command without arguments, and prints variables that work when pasted', async () => {
    const env = await banner(bench.start([...ports]))
    expect(env).toMatchObject({ AWS_ACCESS_KEY_ID: 'postern', AWS_SECRET_ACCESS_KEY: 'postern-secret' })
    const headers = { authorization: `Bearer ${env['POSTERN_TOKEN']}` }
    expect((await fetch(`${env['POSTERN_URL']}/files`, { headers })).status).toBe(200)
  })

  test('creates a bucket when it is first used, but not when a client asks whether it exists', async () => {
    const s3 = clientOf(await banner(bench.start(['dev', ...ports])))
    await expect(s3.send(new HeadBucketCommand({ Bucket: 'first' }))).rejects.toMatchObject({ name: 'NotFound' })
    await s3.send(new PutObjectCommand({ Bucket: 'first', Key: 'a', Body: 'x' }))
    await s3.send(new GetObjectCommand({ Bucket: 'first', Key: 'a' }))
    await s3.send(new CreateBucketCommand({ Bucket: 'second' }))
  })

  test('creates no bucket for a read that another site causes', async () => {
    const s3 = clientOf(await banner(bench.start(['dev', ...ports])))
    const url = await getSignedUrl(s3, new ListObjectsV2Command({ Bucket: 'planted' }))
    const status = (headers: Record<string, string>): Promise<number> =>
      new Promise((resolve, reject) => {
        get(url, { headers }, (answer) => resolve(answer.resume().statusCode!)).on('error', reject)
      })
    expect(await status({ 'sec-fetch-site': 'cross-site' })).toBe(404)
    expect(await status({})).toBe(200)
  })

  test('accepts any type, also those that the defaults refuse', async () => {
    const { POSTERN_URL: url } = await banner(bench.start(['dev', ...ports]))
    const issue = (mimeType: string): Promise<Response> =>
      fetch(`${url}/files/upload-url`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ filename: 'a', mimeType }),
      })
    for (const type of ['application/x-sh', 'application/wasm', 'model/gltf-binary'])
      expect((await issue(type)).status).toBe(200)
  })

  test('answers an S3 client at the API port with the address of the objects endpoint', async () => {
    const env = await banner(bench.start(['dev', ...ports]))
    const s3 = clientOf({ ...env, AWS_ENDPOINT_URL_S3: env['POSTERN_URL']! })
    const put = s3.send(new PutObjectCommand({ Bucket: 'app', Key: 'k', Body: 'x' }))
    await expect(put).rejects.toThrow(`Set the endpoint of your S3 client to ${env['AWS_ENDPOINT_URL_S3']}`)
  })

  test('accepts *.test and *.localhost as this machine, and no other name', async () => {
    const { POSTERN_URL: url } = await banner(bench.start(['dev', ...ports]))
    const statusFor = async (headers: string[]): Promise<number> => {
      const lines = ['GET /files HTTP/1.1', ...headers, 'connection: close', '', '']
      return (await rawRequest(url!, lines.join('\r\n'))).status
    }
    expect(await statusFor(['host: shop.test'])).toBe(200)
    expect(await statusFor(['host: app.localhost', 'origin: http://web.localhost:5173'])).toBe(200)
    expect(await statusFor(['host: evil.example'])).toBe(401)
    expect(await statusFor(['host: shop.test', 'origin: https://evil.example'])).toBe(401)
    expect(await statusFor(['host: shop.test', 'origin: null'])).toBe(401)
  })

  test('keeps nothing with --ephemeral', async () => {
    const started = bench.start(['dev', '--ephemeral', ...ports])
    const s3 = clientOf(await banner(started))
    await s3.send(new PutObjectCommand({ Bucket: 'app', Key: 'k', Body: 'x' }))
    const [, folder = ''] = /disk: (\S+)/.exec(started.output().stderr) ?? []
    expect(existsSync(folder)).toBe(true)
    started.child.kill('SIGTERM')
    expect((await started.finished).exitCode).toBe(0)
    expect([existsSync(folder), existsSync(`${bench.path}/storage`)]).toEqual([false, false])
  })

  test('with --remote, every request needs the token, and an S3 bucket is refused', async () => {
    const port = await freePort()
    const remote = ['dev', '--remote', '--port', String(port), '--set', 'objects.listen=127.0.0.1:0']
    const started = bench.start(remote)
    const { POSTERN_TOKEN, POSTERN_TEST_TOKEN } = await banner(started)
    const statusWith = async (path: string, token: string | undefined): Promise<number> => {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
      return (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status
    }
    expect([await statusWith('/files', undefined), await statusWith('/files', POSTERN_TOKEN)]).toEqual([401, 200])
    expect(await statusWith('/_test/requests', undefined)).toBe(403)
    expect(await statusWith('/_test/requests', POSTERN_TEST_TOKEN)).toBe(200)
    expect(started.output().stderr).toContain('listens on all interfaces')
    const refused = await bench.run([...remote, '--driver', 's3'])
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('--remote needs the disk driver')])
  })
})
