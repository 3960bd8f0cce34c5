import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { watchRates, type RateFloor } from './rate-floor.ts'
import { answerConnectionErrors, refuseConnection, type NoteRefusal, type PlainAnswer } from './connection-error.ts'
import type { ConnectionLimit } from './connection-limit.ts'
import type { Logger } from '../log.ts'
import http from './node-http.ts'

export type HttpServerOptions = {
  log: Logger
  /** Seconds for running requests to finish after `close()`. */
  shutdownTimeout: number
  /** Creates the body of a response sent before routing (malformed or slow requests). Default: no body. */
  plainAnswer?: PlainAnswer
  /** Connections beyond the limit get 503. Default: no limit. */
  connectionLimit?: ConnectionLimit
  /** Bodies slower than this get 408. Default: 1 KiB/s over a minute. */
  rateFloor?: RateFloor
  /** Seconds for a request's headers to arrive. Default 20. */
  headersTimeout?: number
  /** Seconds an idle connection is kept open. Default 65, longer than usual proxies keep theirs. */
  keepAliveTimeout?: number
  /** Seconds between checks of connections that have not sent their headers. Default 5. */
  checkEvery?: number
}

type ListenOptions = { host: string; port: number; reusePort?: boolean }

export type HttpServer = {
  readonly server: Server
  /**
   * Resolves to the URL, including the port chosen by the system for port 0. Rejects if it cannot listen.
   * `reusePort`: other processes listen on the same port with their own socket.
   */
  listen(at: ListenOptions): Promise<string>
  /** Stops accepting, waits up to shutdownTimeout for running requests, then aborts them. Repeatable. */
  close(): Promise<void>
}

const maxHeaderSize = 16 * 1024
/** Milliseconds for a refused client to keep sending, so that it reads the response before the connection is reset. */
const lingerMilliseconds = 2_000

export const hasBody = (req: IncomingMessage): boolean =>
  req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0

/** Prevents `destroy()` on a body from closing the connection, because the response must still be sent. */
class GatewayRequest extends http.IncomingMessage {
  /** Set while the client waits for `100 Continue`, which is sent when the body is first read. */
  continueWith: ServerResponse | null = null

  override _read(size: number): void {
    const waiting = this.continueWith
    this.continueWith = null
    if (waiting !== null && !waiting.headersSent) waiting.writeContinue()
    // oxlint-disable-next-line no-underscore-dangle -- the stream's own hook
    super._read(size)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (this.complete || this.socket.destroyed) {
      // oxlint-disable-next-line no-underscore-dangle -- the stream's own hook
      super._destroy(error, callback)
      return
    }
    discardBody(this)
    callback(this.listenerCount('error') > 0 ? error : null)
  }
}

/** Discards the rest of a body without buffering it. */
function discardBody(req: IncomingMessage): void {
  // The parser discards the bytes of such a message. There is no public API for a destroyed message.
  Object.assign(req, { _dumped: true })
  req.socket.resume()
}

/**
 * An HTTP server with limits for a public origin. Node's `requestTimeout` is off, because it would abort legitimate
 * uploads that take hours. A minimum rate for bodies replaces it.
 */
export function createServer(listener: RequestListener, o: HttpServerOptions): HttpServer {
  let closing: Promise<void> | null = null

  class GatewayResponse extends http.ServerResponse {
    // Every response passes here, including those with implicit headers.
    override writeHead(statusCode: number, ...rest: never[]): this {
      const bodyPending = hasBody(this.req) && !this.req.complete
      if (bodyPending) closeAfterReading(this.req)
      if (bodyPending || closing !== null) this.setHeader('connection', 'close')
      return super.writeHead(statusCode, ...rest)
    }
  }

  const server = http.createServer({
    IncomingMessage: GatewayRequest,
    ServerResponse: GatewayResponse as typeof ServerResponse,
    insecureHTTPParser: false,
    // The guard checks it and explains the error.
    requireHostHeader: false,
    maxHeaderSize,
    requestTimeout: 0,
    headersTimeout: (o.headersTimeout ?? 20) * 1000,
    keepAliveTimeout: (o.keepAliveTimeout ?? 65) * 1000,
    connectionsCheckingInterval: (o.checkEvery ?? 5) * 1000,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    noDelay: true,
  })
  // With a count limit Node drops headers silently, signed ones included. The limit here is their total size.
  server.maxHeadersCount = 0

  const note: NoteRefusal = (facts) => o.log.info(facts, 'refused a connection before any request')
  const rates = watchRates(o.rateFloor ?? { bytesPerSecond: 1024, window: 60 }, (req, res) => {
    o.log.info({ ip: req.socket.remoteAddress, method: req.method }, 'request was too slow')
    refuseConnection(req.socket, 408, { words: o.plainAnswer, answerBegun: res.headersSent, note })
  })
  const running = new Map<Socket, Set<ServerResponse>>()
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    if (o.connectionLimit?.admit(socket) === false) {
      refuseConnection(socket, 503, { words: o.plainAnswer, linger: lingerMilliseconds, note })
      return
    }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })

  const serve = (req: IncomingMessage, res: ServerResponse): void => {
    const { socket } = req
    // After a response that closes the connection, further data is ignored.
    if (socket.writableEnded) return
    const answers = running.get(socket) ?? new Set()
    running.set(socket, answers.add(res))
    rates.watch(req, res)
    res.once('close', () => {
      answers.delete(res)
      if (answers.size === 0) running.delete(socket)
    })
    listener(req as never, res as never)
  }
  server.on('request', serve)
  // Node's own response to an unknown expectation has no body and no request id.
  server.on('checkExpectation', serve)
  server.on('checkContinue', (req, res) => {
    req.continueWith = res
    serve(req, res)
  })
  const answerBegun = (socket: Socket): boolean => [...(running.get(socket) ?? [])].some((res) => res.headersSent)
  answerConnectionErrors(server, { answerBegun, words: o.plainAnswer, note })

  const close = (): Promise<void> => {
    closing ??= new Promise((resolve) => {
      const finished = (): void => {
        clearTimeout(deadline)
        clearInterval(sweep)
        rates.stop()
        resolve()
      }
      const deadline = setTimeout(() => server.closeAllConnections(), o.shutdownTimeout * 1000)
      const sweep = setInterval(() => server.closeIdleConnections(), 250)
      server.close(finished)
      server.closeIdleConnections()
      // Browsers open connections in advance. Node does not count those as idle.
      for (const socket of sockets) if (!running.has(socket) && socket.bytesRead === 0) socket.destroy()
    })
    return closing
  }
  return { server, listen: (at) => listen(server, at, o.log), close }
}

/**
 * Closing a connection with unread data resets it, and the reset can overtake the response. So the sending side is
 * closed first and incoming data is discarded for a moment (RFC 9112 §9.6).
 */
function closeAfterReading(req: IncomingMessage): void {
  const { socket } = req
  socket.destroySoon = () => {
    socket.end()
    discardBody(req)
    const timer = setTimeout(() => socket.destroy(), lingerMilliseconds)
    socket.once('close', () => clearTimeout(timer))
  }
}

function listen(server: Server, { host, port, reusePort = false }: ListenOptions, log: Logger): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, reusePort }, () => {
      server.off('error', reject)
      // An unhandled error event would end the process.
      server.on('error', (err) => log.error({ err }, 'could not accept a connection'))
      const bound = server.address() as AddressInfo
      resolve(`http://${host.includes(':') ? `[${host}]` : host}:${bound.port}`)
    })
  })
}
