/** One record per answered request. The log, metrics, audit, tracing and the console's list are sinks of it. */

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
