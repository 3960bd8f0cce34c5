/** Sends one HTTP request unchanged, on a new connection. `fetch` would normalise the target and follow redirects. */
import { request as plain, type ClientRequest, type IncomingHttpHeaders } from 'node:http'
import { request as secure } from 'node:https'
import type { Readable } from 'node:stream'

export type Sending = {
  /** Absolute. Its target is sent unchanged. */
  url: string
  method: string
  /** `Host` defaults to that of the URL. Values are Latin-1. */
  headers?: Readonly<Record<string, string | readonly string[]>>
  /** With a stream, set content-length in `headers`. */
  body?: Buffer | Readable | undefined
  /** Aborts the request: a read at once, a write after 3 s, so that its outcome is known. */
  signal?: AbortSignal | undefined
  /** Milliseconds without a byte until the request fails. Default 15,000. */
  patience?: number | undefined
}

export type Received = { status: number; headers: IncomingHttpHeaders; body: Buffer }

const usualPatience = 15_000
/** Milliseconds that a write may take after the signal. */
const lastWait = 3000
/** Maximum bytes that are read of a response. */
const longest = 1024 * 1024

/** Errors: those of the connection, and a timeout. */
export function send({
  url,
  method,
  headers = {},
  body,
  signal,
  patience = usualPatience,
}: Sending): Promise<Received> {
  const { protocol, hostname, port, host } = new URL(url)
  const target = /^https?:\/\/[^/?#]+([^#]*)/i.exec(url)![1]!
  const named = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, one as string] as const),
  )
  const has = (wanted: string): boolean => named.some(([name]) => name.toLowerCase() === wanted)
  const length = Buffer.isBuffer(body) && !has('content-length') ? ['Content-Length', String(body.length)] : []
  const outgoing = (protocol === 'https:' ? secure : plain)({
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port,
    method,
    path: target.startsWith('/') ? target : `/${target}`,
    headers: [...(has('host') ? [] : ['Host', host]), ...named.flat(), ...length, 'Connection', 'close'],
    setHost: false,
    agent: false,
    timeout: patience,
  })
  const received = new Promise<Received>((resolve, reject) => {
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${patience / 1000} s`)))
    outgoing.on('error', reject)
    outgoing.on('response', (answer) => {
      const chunks: Buffer[] = []
      let bytes = 0
      const end = (): void => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) })
        outgoing.destroy()
      }
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes > longest) end()
      })
      answer.on('end', end).on('error', reject)
    })
  })
  if (signal) endBy(signal, outgoing)
  if (body === undefined || Buffer.isBuffer(body)) outgoing.end(body)
  else body.on('error', (error) => outgoing.destroy(error)).pipe(outgoing)
  return received
}

function endBy(signal: AbortSignal, outgoing: ClientRequest): void {
  const end = (): void => void outgoing.destroy(new Error('interrupted'))
  let waiting: NodeJS.Timeout | undefined
  const hurry = (): void => {
    if (['GET', 'HEAD', 'OPTIONS'].includes(outgoing.method)) end()
    else waiting = setTimeout(end, lastWait)
  }
  signal.addEventListener('abort', hurry, { once: true })
  outgoing.once('close', () => {
    signal.removeEventListener('abort', hurry)
    clearTimeout(waiting)
  })
  if (signal.aborted) hurry()
}
