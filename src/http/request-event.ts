/** One record per answered request. The log, metrics, audit, tracing and the console's list are sinks of it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Context, Middleware } from 'koa'
import type { ClientIp } from './client-ip.ts'

/** Why a request was refused: the code and message of its answer. */
export type Refusal = { code: string; message: string }

/** `aborted`: the client left before the answer was complete. `failed`: a fault of the server (5xx except 501). */
export type Outcome = 'ok' | 'refused' | 'failed' | 'aborted'

/** Nothing in it grants access except `target` and `rawHeaders`, which a sink masks before it shows them. */
export type RequestEvent = {
  readonly app: 'api' | 'objects'
  /** The S3 operation (`PutObject`) or the route template (`/files/:id`), never a path: metrics need a bounded set. */
  readonly operation: string
  readonly method: string
  /** As on the wire, including the signature. */
  readonly target: string
  /** null when the client left before an answer was sent. */
  readonly status: number | null
  readonly outcome: Outcome
  /** When it began, in milliseconds since 1970. */
  readonly at: number
  /** Duration in milliseconds. */
  readonly ms: number
  /** Bytes on the wire since the connection's last request, headers included. */
  readonly received: number
  readonly sent: number
  /** Bytes of the object in question: what a write announced or a read answered; null when unknown. */
  readonly size: number | null
  readonly requestId: string
  readonly ip: string
  /** The `sub` of the token (or the user of dev mode or `auth.anonymous`); null where nobody was authenticated. */
  readonly user: string | null
  /** The owner of the S3 access key. Not a user, even of the same name; null for a URL that the gateway signed. */
  readonly keyOwner: string | null
  readonly bucket: string | null
  readonly key: string | null
  /** The id of the JSON API's file. */
  readonly file: string | null
  readonly refusal: Refusal | null
  /** The header of that name, as sent. */
  readonly traceparent: string | null
  /** Name, value, name, value …, as sent. Only refusals of the objects endpoint need them. */
  readonly rawHeaders: readonly string[] | null
}

export type RequestSink = (event: RequestEvent) => void

/** What only the app knows, read once the request is answered. */
export type RequestFacts = Pick<RequestEvent, 'operation' | 'user' | 'keyOwner' | 'bucket' | 'key' | 'file' | 'refusal'>

/** Whether an answer reports a fault of the server. 501 is a refusal: the request asked for what does not exist. */
export const isServerFault = (status: number): boolean => status >= 500 && status !== 501

function outcomeOf(status: number | null, complete: boolean): Outcome {
  if (status === null) return 'aborted'
  if (isServerFault(status)) return 'failed'
  if (status >= 400) return 'refused'
  return complete ? 'ok' : 'aborted'
}

/** Makes the event of each request when its connection is done with it, and hands it to every sink. */
export function reportRequests(
  o: { app: RequestEvent['app']; sinks: readonly RequestSink[]; clientIp: ClientIp; now: () => Date },
  factsOf: (ctx: Context) => RequestFacts,
): Middleware {
  const bytesOf = createByteCount()
  return (ctx, next) => {
    const { req, res } = ctx
    const at = o.now().getTime()
    const begun = performance.now()
    // The socket no longer knows its peer once it is closed.
    const ip = o.clientIp(req)
    res.once('close', () => {
      const facts = factsOf(ctx)
      const status = res.headersSent ? res.statusCode : null
      const { traceparent } = req.headers
      const event: RequestEvent = {
        app: o.app,
        method: req.method ?? '',
        target: req.url ?? '',
        status,
        outcome: outcomeOf(status, res.writableFinished),
        at,
        ms: performance.now() - begun,
        ...bytesOf(req.socket),
        size: sizeOf(req, res),
        requestId: String(ctx.state['requestId']),
        ip,
        traceparent: typeof traceparent === 'string' ? traceparent : null,
        rawHeaders: facts.refusal !== null && o.app === 'objects' ? req.rawHeaders : null,
        ...facts,
      }
      for (const sink of o.sinks) sink(event)
    })
    return next()
  }
}

/** Bytes of a connection since it was last asked about. */
function createByteCount(): (socket: Socket) => { received: number; sent: number } {
  const counted = new WeakMap<Socket, { read: number; written: number }>()
  return (socket) => {
    const before = counted.get(socket) ?? { read: 0, written: 0 }
    const { bytesRead: read, bytesWritten: written } = socket
    counted.set(socket, { read, written })
    return { received: read - before.read, sent: written - before.written }
  }
}

function sizeOf(req: IncomingMessage, res: ServerResponse): number | null {
  const reads = req.method === 'GET' || req.method === 'HEAD'
  const said = reads
    ? res.getHeader('content-length')
    : (req.headers['x-amz-decoded-content-length'] ?? req.headers['content-length'])
  const size = Number(said)
  return said === undefined || !Number.isSafeInteger(size) || size < 0 ? null : size
}
