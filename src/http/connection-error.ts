import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import http from './node-http.ts'
import { newRequestId } from './request-id.ts'

/** The words of an answer given before any route could run; its `headers` name the request as every answer's do. */
export type PlainAnswer = (
  status: number,
  requestId: string,
) => { contentType: string; body: string; headers?: Readonly<Record<string, string>> }

/** Facts of a refusal, for the log. */
export type NoteRefusal = (facts: { status: number; requestId: string; ip: string | undefined }) => void

const statusOf: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** Answers and closes; closes without a word where an answer has begun, which a second one would corrupt. */
export function refuseConnection(
  socket: Duplex,
  status: number,
  o: {
    words?: PlainAnswer | undefined
    answerBegun?: boolean
    note?: NoteRefusal
    /** Milliseconds in which the sender may still send into the void, so that no reset overtakes the answer. */
    linger?: number
  } = {},
): void {
  if (!socket.writable || o.answerBegun === true) {
    socket.destroy()
    return
  }
  const requestId = newRequestId()
  const { contentType, body, headers = {} } = o.words?.(status, requestId) ?? { contentType: 'text/plain', body: '' }
  const all = {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    ...headers,
    Connection: 'close',
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  const answer = `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`
  if (o.linger === undefined) socket.write(answer, () => socket.destroy())
  else {
    socket.end(answer)
    const timer = setTimeout(() => socket.destroy(), o.linger)
    socket.once('close', () => clearTimeout(timer))
  }
  o.note?.({ status, requestId, ip: (socket as Socket).remoteAddress })
}

/** What the parser refuses (RFC 9112) gets a status of its own instead of Node's bare reset. */
export function answerConnectionErrors(
  server: Server,
  o: { answerBegun: (socket: Socket) => boolean; words?: PlainAnswer | undefined; note: NoteRefusal },
): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const status = statusOf[error.code ?? ''] ?? 400
    refuseConnection(socket, status, { ...o, answerBegun: o.answerBegun(socket as Socket) })
  })
}
