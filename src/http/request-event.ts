/** One record per answered request. The log, metrics, audit log, tracing and the console's list are sinks of it. */

/**
 * Why a request was refused: the code and message of the response, and what to do. In development mode the message of
 * a wrong signature says what differs.
 */
export type Refusal = { code: string; message: string; advice: string }

/** `aborted`: the client disconnected before the response was complete. `failed`: a server error (5xx except 501). */
export type Outcome = 'ok' | 'refused' | 'failed' | 'aborted'

/** Contains credentials only in `target` and `rawHeaders`. Sinks must mask them before showing them. */
export type RequestEvent = {
  readonly app: 'api' | 'objects'
  /** The S3 operation (`PutObject`) or the route template (`/files/:id`), never a path: metrics need a bounded set. */
  readonly operation: string
  readonly method: string
  /** As on the wire, including the signature. */
  readonly target: string
  /** null if the client disconnected before a response was sent. */
  readonly status: number | null
  readonly outcome: Outcome
  /** Start time in milliseconds since 1970. */
  readonly at: number
  /** Duration in milliseconds. */
  readonly ms: number
  /** Bytes on the wire since the connection's last request, headers included. */
  readonly received: number
  readonly sent: number
  /** Bytes of the object: what a write declared or a read returned. null if unknown. */
  readonly size: number | null
  readonly requestId: string
  readonly ip: string
  /** The `sub` of the token, or the user of dev mode or `auth.anonymous`. null without authentication. */
  readonly user: string | null
  /** The owner of the S3 access key. A separate namespace from users. null for URLs signed by the gateway. */
  readonly keyOwner: string | null
  readonly bucket: string | null
  readonly key: string | null
  /** The id of the file in the JSON API. */
  readonly file: string | null
  readonly refusal: Refusal | null
  /** The traceparent header as sent. */
  readonly traceparent: string | null
  /** Name, value, name, value …, as sent. Set only for refusals of the objects endpoint. */
  readonly rawHeaders: readonly string[] | null
}

export type RequestSink = (event: RequestEvent) => void

/** Facts that only the app knows, read once the request is answered. */
export type RequestFacts = Pick<RequestEvent, 'operation' | 'user' | 'keyOwner' | 'bucket' | 'key' | 'file' | 'refusal'>

/** Whether a status reports a server error. 501 is a refusal, because the request asked for something unsupported. */
export const isServerFault = (status: number): boolean => status >= 500 && status !== 501
