import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { watchRates, type RateFloor } from './rate-floor.ts'
import { answerConnectionErrors, refuseConnection, type NoteRefusal, type PlainAnswer } from './connection-error.ts'
import type { ConnectionLimit } from './connection-limit.ts'
import type { Logger } from '../log.ts'
import http from './node-http.ts'

export type HttpServerOptions = {
  log: Logger
  /** Seconds that running requests get to finish once `close()` was called. */
  shutdownTimeout: number
  /** Words an answer that no route could give (malformed, too slow); default: no body. */
  plainAnswer?: PlainAnswer
  /** Connections beyond it are refused with 503. Default: none are. */
  connectionLimit?: ConnectionLimit
  /** Bodies slower than this are cut off with 408. Default: 1 KiB/s over a minute. */
  rateFloor?: RateFloor
  /** Seconds for a request's headers to be complete. Default 20. */
  headersTimeout?: number
  /** Seconds an idle connection is kept. Default 65: longer than the usual proxy keeps its own. */
  keepAliveTimeout?: number
  /** Seconds between two looks at connections that owe us headers. Default 5. */
  checkEvery?: number
}

type ListenOptions = { host: string; port: number; reusePort?: boolean }

export type HttpServer = {
  readonly server: Server
  /**
   * Resolves to the URL listened at, with the port the system chose where 0 was asked; rejects when it cannot listen.
   * `reusePort`: other processes listen there too, each with a socket of its own.
   */
  listen(at: ListenOptions): Promise<string>
  /** Stops accepting, lets running requests finish within shutdownTimeout, then cuts them. Repeatable. */
  close(): Promise<void>
}

const maxHeaderSize = 16 * 1024
/** How long a refused sender may go on sending into the void, so that it reads our answer before the reset. */
const lingerMilliseconds = 2_000

export const hasBody = (req: IncomingMessage): boolean =>
  req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0

/** What `destroy()` on a body must not do is take the connection with it: the answer has yet to be sent. */
class GatewayRequest extends http.IncomingMessage {
  /** Set while the client waits for `100 Continue`: it is sent when the body is first read, and not before. */
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

/** Lets the rest of a body drain away unread, without buffering it. */
function discardBody(req: IncomingMessage): void {
  // The parser drops the bytes of a message marked so; nothing public does that for a destroyed one.
  Object.assign(req, { _dumped: true })
  req.socket.resume()
}

/**
 * An HTTP server with the limits that a public origin needs. Node's own `requestTimeout` stays off, as it would cut an
 * honest upload of hours; a floor under the body's rate stands in for it.
 */
export function createServer(listener: RequestListener, o: HttpServerOptions): HttpServer {
  let closing: Promise<void> | null = null

  class GatewayResponse extends http.ServerResponse {
    // Every answer passes here, implicit headers included.
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
    // The guard asks for it, in words.
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
  // Beyond a count Node drops headers silently, signed ones included; their total size is the limit here.
  server.maxHeadersCount = 0

  const note: NoteRefusal = (facts) => o.log.info(facts, 'refused before there was a request')
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
    // After an answer that said close, whatever else arrives is not looked at.
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
  // Node's own answer to an expectation it does not know would have neither words nor a request id.
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
      // Browsers open connections ahead of need; Node does not count those as idle.
      for (const socket of sockets) if (!running.has(socket) && socket.bytesRead === 0) socket.destroy()
    })
    return closing
  }
  return { server, listen: (at) => listen(server, at, o.log), close }
}

/**
 * A connection closed while bytes are unread is reset, and a reset can overtake the answer. So the sending side is
 * closed first and what still comes is discarded for a moment (RFC 9112 §9.6).
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
      // An error that nobody hears ends the process.
      server.on('error', (err) => log.error({ err }, 'a connection could not be accepted'))
      const bound = server.address() as AddressInfo
      resolve(`http://${host.includes(':') ? `[${host}]` : host}:${bound.port}`)
    })
  })
}
