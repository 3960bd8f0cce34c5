import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import http from './node-http.ts'
import { newRequestId } from './request-id.ts'

/** The body of a response sent before routing. Its `headers` carry the request id, like every response. */
export type PlainAnswer = (
  status: number,
  requestId: string,
) => { contentType: string; body: string; headers?: Readonly<Record<string, string>> }

/** Facts about a refusal, for the log. */
export type NoteRefusal = (facts: { status: number; requestId: string; ip: string | undefined }) => void

const statusOf: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** Sends a response and closes the connection. If a response has already started, only closes it. */
export function refuseConnection(
  socket: Duplex,
  status: number,
  o: {
    words?: PlainAnswer | undefined
    answerBegun?: boolean
    note?: NoteRefusal
    /** Milliseconds during which the client may keep sending, so that a reset does not overtake the response. */
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

/** Requests that the parser rejects (RFC 9112) get a status instead of Node's plain reset. */
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
