/**
 * An HTTP proxy in front of the objects endpoint that simulates a server with a bug, to show that the check finds it.
 */
import { createHash } from 'node:crypto'
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * - `stale reads`: one GET in three gets the first answer that a GET of this object ever got.
 * - `lost writes`: one PUT in four is answered 200 and not carried out.
 * - `repeated writes`: each PUT is carried out a second time, after it was answered.
 */
export type Bug = 'none' | 'stale reads' | 'lost writes' | 'repeated writes'

type Sent = { status: number; headers: Record<string, string | string[] | undefined>; body: Buffer }

export type MisbehavingProxy = { url: string; close(): Promise<void> }

export async function startMisbehavingProxy(target: string, bug: Bug): Promise<MisbehavingProxy> {
  const firstReads = new Map<string, Sent>()
  const repeats = new Set<Promise<unknown>>()
  let reads = 0
  let writes = 0

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = Buffer.concat(await req.toArray())
    const { pathname, searchParams } = new URL(req.url ?? '/', target)
    const isObject = pathname.split('/').length > 2 && !searchParams.has('uploadId') && !searchParams.has('uploads')
    const isWrite = isObject && req.method === 'PUT' && !req.headers['if-match'] && !req.headers['if-none-match']
    if (isWrite) writes++
    if (bug === 'lost writes' && isWrite && writes % 4 === 0) {
      const etag = `"${createHash('md5').update(body).digest('hex')}"`
      return void res.writeHead(200, { etag, 'content-length': 0 }).end()
    }
    const sent = await pass(target, req, body)
    const isRead = isObject && req.method === 'GET' && (sent.status === 200 || sent.status === 404)
    if (isRead && !firstReads.has(pathname)) firstReads.set(pathname, sent)
    const isStale = bug === 'stale reads' && isRead && ++reads % 3 === 0
    const { status, headers, body: answer } = isStale ? firstReads.get(pathname)! : sent
    res.writeHead(status, headers).end(answer)
    if (bug === 'repeated writes' && isWrite) {
      const repeat = sleep(150).then(() => pass(target, req, body))
      repeats.add(repeat)
      repeat.catch(() => {})
    }
  }

  const server = createServer((req, res) => void handle(req, res).catch(() => res.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      await Promise.allSettled(repeats)
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** Host stays as it was signed. */
function pass(target: string, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Sent> {
  const { hostname, port } = new URL(target)
  return new Promise((resolve, reject) => {
    const onward = forward({ hostname, port, method, path: url, headers, agent: false, setHost: false }, (answer) => {
      answer
        .toArray()
        .then(
          (chunks: Buffer[]) =>
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
          reject,
        )
    })
    onward.on('error', reject)
    onward.end(body)
  })
}
