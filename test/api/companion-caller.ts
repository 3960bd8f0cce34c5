/** Calls the Companion routes like Uppy. */
import { call, type Answer, type Caller } from './caller.ts'

export type Params = {
  method: string
  url: string
  fields: Record<string, string>
  headers?: Record<string, string>
  expires?: number
}
export type Created = { key: string; uploadId: string; bucket: string }
export type SentPart = { PartNumber: number; ETag: string; Size: number }
export type Joined = { location: string; key: string; bucket: string }

/** What was answered, exactly as JSON: Uppy reads nothing else. */
export function jsonOf<T>(answer: Answer, status = 200): T {
  if (answer.status !== status) throw new Error(`answered ${answer.status}: ${answer.text}`)
  if (answer.headers.get('content-type') !== 'application/json') throw new Error('is not exactly application/json')
  return JSON.parse(answer.text) as T
}

export const paramsPath = (fields: Record<string, string>): string => `/s3/params?${new URLSearchParams(fields)}`

/** `/s3/multipart/<uploadId><rest>?key=<key>` */
export const uploadPath = ({ key, uploadId }: Created, rest = '', query: Record<string, string> = {}): string =>
  `/s3/multipart/${encodeURIComponent(uploadId)}${rest}?${new URLSearchParams({ key, ...query })}`

export const create = async (user: Caller, fields: object = {}): Promise<Created> =>
  jsonOf(await user.post('/s3/multipart', { filename: 'note.txt', type: 'text/plain', metadata: {}, ...fields }))

export const sign = async (user: Caller, created: Created, n: number) =>
  jsonOf<{ url: string; headers?: Record<string, string>; expires?: number }>(
    await user.get(uploadPath(created, `/${n}`)),
  )

/** The ETag as the header has it. */
export async function sendPart(user: Caller, created: Created, n: number, body: Buffer<ArrayBuffer>): Promise<string> {
  const { url, headers = {} } = await sign(user, created, n)
  const { status, text, headers: answered } = await call(url, { method: 'PUT', headers, body })
  if (status !== 200) throw new Error(`the part answered ${status}: ${text}`)
  return answered.get('etag') ?? ''
}

export const sent = async (user: Caller, created: Created): Promise<SentPart[]> =>
  jsonOf(await user.get(uploadPath(created)))

export const join = (user: Caller, created: Created, parts: object[]): Promise<Answer> =>
  user.post(uploadPath(created, '/complete'), { parts })

/** As Uppy sends the bytes: the form's fields and then the file, or the bytes alone. */
export function deliver({ method, url, fields, headers = {} }: Params, bytes: string): Promise<Answer> {
  if (method === 'PUT') return call(url, { method, headers, body: bytes })
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  form.set('file', new Blob([bytes]), 'blob')
  return call(url, { method, body: form })
}
