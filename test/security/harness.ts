/**
 * A whole gateway with two more owners of access keys, accessed over raw sockets. Records everything that a refusal
 * must not change: rows of both databases and files on the disk.
 */
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { expect } from 'vitest'
import { createLogger } from '../../src/http/logger.ts'
import { presign } from '../../src/sigv4/presign.ts'
import { createPostForm, type PostFormOptions } from '../../src/sigv4/post-form.ts'
import { signRequest } from '../../src/sigv4/sign-request.ts'
import { as, callerWith, type Caller } from '../api/caller.ts'
import { teeLog } from '../fixtures/captured-log.ts'
import { startGateway, testSecrets, type Overrides, type RunningGateway } from '../fixtures/gateway.ts'
import { connect, rawHead, type RawAnswer, type RawConnection } from '../fixtures/raw-http.ts'

export const keys = {
  gateway: testSecrets.signing,
  alice: { accessKeyId: 'ALICETESTTESTTESTTE1', secretAccessKey: 'alice-secret-0123456789abcdef0123456789' },
  bob: { accessKeyId: 'BOBTESTTESTTESTTEST1', secretAccessKey: 'bob-secret-0123456789abcdef012345678900' },
} as const
export type Who = keyof typeof keys
export type Headers = Record<string, string>

type Signing = {
  headers?: Headers
  /** Sent beside the signed ones. */
  unsigned?: Headers
  body?: string | Buffer
  payload?: string
}

export type Harness = {
  gateway: RunningGateway
  /** Where the objects endpoint listens; `apiUrl` of the gateway is where the API does. */
  objectsAt: string
  log: string[]
  user(name: string): Promise<Caller>
  /** To the objects endpoint, bytes as given. */
  raw(method: string, target: string, headers?: Headers, body?: string | Buffer): Promise<RawAnswer>
  connect(): Promise<RawConnection>
  /** By an Authorization header. `path` begins behind the endpoint's prefix. */
  signed(who: Who, method: string, path: string, o?: Signing): Promise<RawAnswer>
  /** The target of a presigned URL. */
  target(who: Who, method: string, bucket: string, key: string, query?: Record<string, string>): string
  post(who: Who, fields: Partial<PostFormOptions>, content?: string): Promise<RawAnswer>
  state(): Promise<unknown>
  /** A refusal: neither 5xx nor a change of any row, byte or file, and the next request works. */
  refused(send: () => Promise<RawAnswer>, status: number, code?: string): Promise<RawAnswer>
  close(): Promise<void>
}

export async function startHarness(
  overrides: Overrides = {},
  o: { dev?: boolean; objectsAt?: string; now?: () => Date } = {},
): Promise<Harness> {
  const log: string[] = []
  const gateway = await startGateway(
    {
      keys: [
        { ...keys.alice, owner: 'alice' },
        { ...keys.bob, owner: 'bob' },
      ],
      ...overrides,
    },
    {
      ...(o.dev === undefined ? {} : { dev: o.dev }),
      ...(o.now === undefined ? {} : { now: o.now }),
      log: createLogger({ level: 'trace', format: 'json' }, teeLog(log)),
    },
  )
  const { origin, host, pathname } = new URL(gateway.objectsUrl)
  const prefix = pathname.replace(/\/$/, '')
  const objectsAt = o.objectsAt ?? origin
  const now = (): Date => o.now?.() ?? new Date()

  const send = async (method: string, head: string, body: string | Buffer): Promise<RawAnswer> => {
    const connection = await connect(objectsAt)
    try {
      await connection.send(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)])).catch(() => {})
      return await connection.answer({ head: method === 'HEAD' })
    } finally {
      connection.close()
    }
  }
  const raw: Harness['raw'] = (method, target, headers = {}, body = '') =>
    send(method, rawHead(objectsAt, method, target, { host, ...headers }), body)

  const signed: Harness['signed'] = (who, method, path, s = {}) => {
    const body = s.body ?? ''
    const length = method === 'PUT' || method === 'POST' ? { 'content-length': String(Buffer.byteLength(body)) } : {}
    const { headers } = signRequest({
      method,
      url: `${origin}${prefix}${path}`,
      headers: { ...length, ...s.headers },
      payload: s.payload ?? createHash('sha256').update(body).digest('hex'),
      credentials: keys[who],
      region: 'us-east-1',
      now: now(),
    })
    return raw(method, prefix + path, { ...(headers as Headers), ...s.unsigned }, body)
  }

  const state = async (): Promise<unknown> => {
    const dir = join(gateway.dir, 'storage')
    return {
      catalog: dump(join(gateway.dir, 'catalog.sqlite'), ['files', 'uploads', 'usage']),
      index: dump(join(dir, 'index.sqlite'), ['buckets', 'objects', 'uploads', 'parts']),
      blobs: (await readdir(join(dir, 'objects'), { recursive: true })).filter((name) => /[0-9a-f]{32}$/.test(name)),
      temporary: await readdir(join(dir, 'tmp')),
    }
  }

  return {
    gateway,
    objectsAt,
    log,
    user: (name) => as(gateway, name),
    raw,
    connect: () => connect(objectsAt),
    signed,
    target(who, method, bucket, key, query = {}) {
      const { url } = presign({
        method,
        endpoint: gateway.objectsUrl,
        bucket,
        key,
        pathStyle: true,
        query,
        credentials: keys[who],
        region: 'us-east-1',
        expiresIn: 600,
        now: now(),
      })
      return url.slice(origin.length)
    },
    async post(who, fields, content = 'content') {
      const bucket = fields.bucket ?? 'alice-1'
      const form = createPostForm({
        endpoint: gateway.objectsUrl,
        bucket,
        key: 'form.txt',
        pathStyle: true,
        credentials: keys[who],
        region: 'us-east-1',
        expiresIn: 600,
        now: now(),
        ...fields,
      })
      const body = Object.entries(form.fields).map(
        ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
      )
      body.push(`--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n${content}\r\n--b--\r\n`)
      const bytes = Buffer.from(body.join(''))
      const type = 'multipart/form-data; boundary=b'
      return raw('POST', `${prefix}/${bucket}`, { 'content-type': type, 'content-length': String(bytes.length) }, bytes)
    },
    state,
    async refused(request, status, code) {
      const before = await state()
      const answer = await request()
      expect({ status: answer.status, code: codeOf(answer) ?? code }).toEqual({ status, code })
      await settled(state, before)
      const next = await fetch(`${gateway.apiUrl}/healthz`)
      expect(next.status).toBe(200)
      return answer
    },
    close: () => gateway.close(),
  }
}

/** A temporary file may live for as long as its removal takes, and no longer. */
async function settled(state: () => Promise<unknown>, before: unknown): Promise<void> {
  for (let tries = 0; tries < 40; tries++) {
    if (JSON.stringify(await state()) === JSON.stringify(before)) return
    await sleep(25)
  }
  expect(await state()).toEqual(before)
}

/** The code of an S3 error or of a problem document. */
export function codeOf(answer: RawAnswer): string | undefined {
  const type = answer.headers.get('content-type') ?? ''
  if (type.includes('problem+json')) return (JSON.parse(answer.text) as { code: string }).code
  return /<Code>([^<]*)<\/Code>/.exec(answer.text)?.[1]
}

function dump(file: string, tables: string[]): Record<string, unknown[]> {
  const db = new Database(file, { readonly: true })
  try {
    return Object.fromEntries(tables.map((table) => [table, db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all()]))
  } finally {
    db.close()
  }
}

/** The API over a bare socket. */
export async function rawApi(
  harness: Harness,
  method: string,
  target: string,
  headers: Headers = {},
  body: string | Buffer = '',
): Promise<RawAnswer> {
  const connection = await connect(harness.gateway.apiUrl)
  try {
    const length = body.length > 0 && headers['content-length'] === undefined
    const all = length ? { ...headers, 'content-length': String(Buffer.byteLength(body)) } : headers
    const head = rawHead(harness.gateway.apiUrl, method, target, all)
    await connection.send(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)])).catch(() => {})
    return await connection.answer({ head: method === 'HEAD' })
  } finally {
    connection.close()
  }
}

export { callerWith, type Caller }
