/** One suite for all signers: sends URLs and forms of another SDK unchanged, byte for byte. */
import { request } from 'node:http'
import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startHarness, type Harness } from './harness.ts'

export type SigningTask = {
  /** `DESCRIBED_PUT`: with the metadata `album: 2026`, a public ACL and the owner `alice` expected. */
  operation: 'PUT' | 'HEAD' | 'GET' | 'DELETE' | 'UPLOAD_PART' | 'POST' | 'DESCRIBED_PUT'
  bucket: string
  key: string
  uploadId?: string
  partNumber?: number
}
/** `fields`: of a form. `headers`: to be sent with it. */
export type SignedTask = { url: string; fields?: Record<string, string>; headers?: Record<string, string> }
export type Signer = (harness: Harness, tasks: readonly SigningTask[]) => Promise<SignedTask[]>

export const awkwardKeys = [
  'plain.txt',
  'a b  c.txt',
  'a+b.txt',
  '100% sure.txt',
  'a%20b%2Fc%41.txt',
  'ü/日本語/🙂.txt',
  'e\u0301 beside \u00e9.txt',
  "!'()*~-_.txt",
  'q?x=1&y=2#z;a=b.txt',
  '$@:,=/[x]{y}|^`"<>.txt',
  'trailing/',
]

/** `post`: whether it signs a form for this key. `describe`: whether it signs what describes an object. */
export type SigningAbilities = { post: (key: string) => boolean; describe: boolean }

export function signingSuite(name: string, sign: Signer, abilities: Partial<SigningAbilities> = {}): void {
  const can: SigningAbilities = { post: () => true, describe: true, ...abilities }
  describe(`URLs presigned by ${name}`, () => {
    let harness: Harness
    let signed: (operation: SigningTask['operation'], key: string) => SignedTask
    const bucket = 'presigned'
    const described = 'described.txt'
    const formKeys = awkwardKeys.filter((key) => can.post(key))
    beforeAll(async () => {
      harness = await startHarness()
      await harness.bucket(bucket)
      const tasks: SigningTask[] = formKeys.map((key) => ({ operation: 'POST', bucket, key }))
      for (const key of awkwardKeys) {
        const { UploadId } = await harness.client().send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key }))
        tasks.push({ operation: 'UPLOAD_PART', bucket, key, uploadId: UploadId ?? '', partNumber: 3 })
        for (const operation of ['PUT', 'HEAD', 'GET', 'DELETE'] as const) tasks.push({ operation, bucket, key })
      }
      if (can.describe) tasks.push({ operation: 'DESCRIBED_PUT', bucket, key: described })
      // At once: a program in another language takes a while to start.
      const results = await sign(harness, tasks)
      signed = (operation, key) => {
        const at = tasks.findIndex((task) => task.operation === operation && task.key === key)
        return results[at] ?? { url: '' }
      }
    })
    afterAll(() => harness.close())

    test.each(awkwardKeys)('can put, head, read, upload a part of and delete %s', async (key) => {
      const body = Buffer.from(`the bytes of ${key}`)
      const stored = await send('PUT', signed('PUT', key), body)
      expect([stored.status, stored.text]).toEqual([200, ''])
      expect(await harness.stored(bucket, key)).toEqual(body)
      const looked = await send('HEAD', signed('HEAD', key))
      expect([looked.status, looked.headers['content-length'], looked.headers['etag']]).toEqual([
        200,
        String(body.length),
        stored.headers['etag'],
      ])
      const read = await send('GET', signed('GET', key))
      expect([read.status, read.text]).toEqual([200, body.toString()])

      const sent = await send('PUT', signed('UPLOAD_PART', key), body)
      expect([sent.status, sent.text, sent.headers['etag']]).toEqual([200, '', stored.headers['etag']])

      expect((await send('DELETE', signed('DELETE', key))).status).toBe(204)
      expect(await harness.storedKeys(bucket)).not.toContain(key)
      expect((await send('GET', signed('GET', key))).status).toBe(404)
    })

    test.each(formKeys)('upload a form to %s', async (key) => {
      const body = Buffer.from(`the bytes of ${key}, by a form`)
      const answer = await sendForm(signed('POST', key), body)
      expect([answer.status, answer.text]).toEqual([204, ''])
      expect(await harness.stored(bucket, key)).toEqual(body)
    })

    test.each(can.describe ? [described] : [])('store the metadata and the ACL that they sign: %s', async (key) => {
      expect((await send('PUT', signed('DESCRIBED_PUT', key), Buffer.from('bytes'))).status).toBe(200)
      const read = await send('GET', { url: `${harness.url}/${bucket}/${key}` })
      expect([read.status, read.text, read.headers['x-amz-meta-album']]).toEqual([200, 'bytes', '2026'])
    })

    test('allow no other method and no other key', async () => {
      const get = signed('GET', 'plain.txt')
      expect((await send('PUT', get, Buffer.from('x'))).status).toBe(403)
      expect((await send('DELETE', get)).status).toBe(403)
      expect((await send('GET', { url: get.url.replace('plain.txt', 'other.txt') })).status).toBe(403)
    })
  })
}

type Answer = { status: number; headers: Record<string, string | string[] | undefined>; text: string }

/** The target goes out as it was signed: `fetch` and `URL` would tidy it up. */
export function send(method: string, signed: SignedTask, body?: Buffer): Promise<Answer> {
  const [, host = '', port = '80', path = '/'] = /^http:\/\/([^:/]+)(?::(\d+))?(\/.*)$/.exec(signed.url) ?? []
  return new Promise((resolve, reject) => {
    const headers = { ...signed.headers, ...(body && { 'content-length': String(body.length) }) }
    const outgoing = request({ method, host, port, path, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString() }),
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

async function sendForm(signed: SignedTask, body: Buffer): Promise<Answer> {
  const form = new FormData()
  for (const [name, value] of Object.entries(signed.fields ?? {})) form.append(name, value)
  form.append('file', new Blob([new Uint8Array(body)]), 'file.txt')
  const encoded = new Response(form)
  return send(
    'POST',
    {
      url: /^http:\/\/[^/]+$/.test(signed.url) ? `${signed.url}/` : signed.url,
      headers: { 'content-type': encoded.headers.get('content-type') ?? '' },
    },
    Buffer.from(await encoded.arrayBuffer()),
  )
}
