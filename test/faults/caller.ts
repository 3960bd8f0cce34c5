/** Requests like those of clients: presigned S3 requests, and the JSON API with a user's token. */
import { createHash } from 'node:crypto'
import { AwsClient } from 'aws4fetch'
import { bucket, type Installation } from './installation.ts'

export type Answer = { status: number; body: Buffer; headers: Headers }
export type Request = { method: string; url: string; headers?: Record<string, string>; body?: Buffer | string }

export type Caller = {
  user: string
  /** A request of the objects endpoint; `path` is a key of these suites' bucket, or empty for the bucket. */
  s3(method: string, path: string, o?: { query?: Record<string, string>; body?: Buffer | string }): Promise<Request>
  api(method: string, path: string, body?: object): Request
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

export async function makeCaller(installation: Installation, user: string): Promise<Caller> {
  const aws = new AwsClient({ ...installation.keys, service: 's3', region: 'us-east-1', retries: 0 })
  const authorization = `Bearer ${await installation.token(user)}`
  return {
    user,
    async s3(method, path, { query = {}, body } = {}) {
      const url = new URL(`${installation.objects}/${bucket}${path === '' ? '' : `/${path}`}`)
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
      const signed = await aws.sign(url.href, { method, aws: { signQuery: true } })
      return { method, url: signed.url, ...(body !== undefined && { body }) }
    },
    api: (method, path, body) => ({
      method,
      url: installation.api + path,
      headers: { authorization, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    }),
  }
}

/** Rejects when the connection fails, or ends before the answer does. */
export async function send({ method, url, headers, body }: Request): Promise<Answer> {
  const answer = await fetch(url, {
    method,
    redirect: 'manual',
    signal: AbortSignal.timeout(60_000),
    ...(headers && { headers }),
    ...(body !== undefined && { body: typeof body === 'string' ? body : new Uint8Array(body) }),
  })
  return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.arrayBuffer()) }
}

export const json = <T>(answer: Answer): T => JSON.parse(answer.body.toString()) as T

/** The text of the first XML element of that name. */
export function xmlText(answer: Answer, name: string): string {
  const [, text] = new RegExp(`<${name}>([^<]*)</${name}>`).exec(answer.body.toString()) ?? []
  if (text === undefined) throw new Error(`no <${name}> in ${answer.body.toString()}`)
  return text.replaceAll('&quot;', '"')
}
