import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import http from './node-http.ts'

/** The words of an answer given before any route could run. */
export type PlainAnswer = (status: number) => { contentType: string; body: string }

const statusOf: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** Answers and closes; closes without a word where an answer has begun, which a second one would corrupt. */
export function refuseConnection(socket: Duplex, status: number, words?: PlainAnswer, answerBegun = false): void {
  if (socket.writable && !answerBegun) {
    const { contentType, body } = words?.(status) ?? { contentType: 'text/plain', body: '' }
    socket.write(
      `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n` +
        `Content-Type: ${contentType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      () => socket.destroy(),
    )
    return
  }
  socket.destroy()
}

/** What the parser refuses (RFC 9112) gets a status of its own instead of Node's bare reset. */
export function answerConnectionErrors(
  server: Server,
  answerBegun: (socket: Socket) => boolean,
  words?: PlainAnswer,
): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    refuseConnection(socket, statusOf[error.code ?? ''] ?? 400, words, answerBegun(socket as Socket))
  })
}
