/** Calls for multipart uploads through the API. */
import { Readable } from 'node:stream'
import type { RunningGateway } from '../fixtures/gateway.ts'
import { call, textFile, type Answer, type Caller } from './caller.ts'

export const minPart = 5 * 1024 * 1024

/** Text, for the type that these tests declare; each letter another part. */
export const letters = (letter: string, length: number): Buffer<ArrayBuffer> => Buffer.alloc(length, letter)

export type Begun = {
  id: string
  key: string
  uploadId: string
  partSize: number
  partCount: number | null
  expiresAt: string
  publicUrl?: string
}
export type PartUrl = {
  partNumber: number
  url: string
  headers: Record<string, string>
  expiresIn: number
  expiresAt: string
}
export type Part = { partNumber: number; etag: string }
export type StoredPart = Part & { size: number }

const expectStatus = (answer: Answer, status: number, what: string): void => {
  if (answer.status !== status) throw new Error(`${what} answered ${answer.status}: ${answer.text}`)
}

export async function begin(user: Caller, fields: object = {}): Promise<Begun> {
  const answer = await user.post('/files/multipart', { ...textFile, ...fields })
  expectStatus(answer, 200, 'begin')
  return answer.json as unknown as Begun
}

export async function partUrls(
  user: Caller,
  id: string,
  partNumbers: number[],
  fields: object = {},
): Promise<PartUrl[]> {
  const answer = await user.post(`/files/multipart/${id}/parts`, { partNumbers, ...fields })
  expectStatus(answer, 200, 'parts')
  return (answer.json as unknown as { parts: PartUrl[] }).parts
}

export const putPart = ({ url, headers }: PartUrl, bytes: Buffer<ArrayBuffer>): Promise<Answer> =>
  call(url, { method: 'PUT', headers, body: bytes })

/** One call for the URLs, then all parts at once; they are numbered as they come, from `first`. */
export async function sendParts(user: Caller, id: string, bytes: Buffer<ArrayBuffer>[], first = 1): Promise<Part[]> {
  const urls = await partUrls(
    user,
    id,
    [...bytes.keys()].map((at) => at + first),
  )
  return Promise.all(
    urls.map(async (url, at) => {
      const answer = await putPart(url, bytes[at]!)
      expectStatus(answer, 200, `part ${url.partNumber}`)
      return { partNumber: url.partNumber, etag: answer.headers.get('etag') ?? '' }
    }),
  )
}

export async function storedParts(user: Caller, id: string): Promise<StoredPart[]> {
  const answer = await user.get(`/files/multipart/${id}/parts`)
  expectStatus(answer, 200, 'the list of parts')
  return (answer.json as unknown as { parts: StoredPart[] }).parts
}

export const complete = (user: Caller, id: string, body: object = {}): Promise<Answer> =>
  user.post(`/files/multipart/${id}/complete`, body)

/** The keys of uploads that the store waits for, parts or not; without those that were open `before`. */
export async function openUploads({ gateway }: RunningGateway, before: string[] = []): Promise<string[]> {
  const { uploads } = await gateway.driver.listMultipartUploads({ bucket: gateway.config.storage.bucket })
  return uploads.map(({ key }) => key).filter((key) => !before.includes(key))
}

/** Joins the parts in the store, past the API: what a process does that ends right after. */
export async function joinInStore({ gateway }: RunningGateway, { key, uploadId }: Begun, parts: Part[]): Promise<void> {
  const ref = { bucket: gateway.config.storage.bucket, key }
  await gateway.driver.completeMultipartUpload(ref, uploadId, parts)
}

/** As many tiny parts as asked for, past HTTP: only their number matters. */
export async function writeTinyParts(
  { gateway }: RunningGateway,
  { key, uploadId }: Begun,
  count: number,
): Promise<void> {
  const ref = { bucket: gateway.config.storage.bucket, key }
  const write = (number: number) =>
    gateway.driver.uploadPart(ref, uploadId, number, Readable.from([Buffer.from('.')]), { contentLength: 1 })
  for (let first = 1; first <= count; first += 20) {
    const numbers = Array.from({ length: Math.min(20, count - first + 1) }, (_, at) => first + at)
    await Promise.all(numbers.map(write))
  }
}
