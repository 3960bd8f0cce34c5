/** The place where test mode injects faults into requests. A server outside test mode has no interceptor. */
import type { IncomingMessage, ServerResponse } from 'node:http'

export type InterceptedRequest = {
  api: 'api' | 'objects'
  req: IncomingMessage
  res: ServerResponse
  /** The S3 operation (`PutObject`, `preflight`) or the route template (`/files/:id`). */
  operation: string
  bucket: string | null
  key: string | null
  query: ReadonlyMap<string, string>
}

/** Calls `run` once, or not at all if it answers the request itself. Errors: InjectedError, and those of `run`. */
export type Interceptor = (request: InterceptedRequest, run: () => Promise<void>) => Promise<void>

export const injectedAdvice = 'A fault rule of test mode caused this error. GET /_test/rules lists the rules.'

/** An error response that a fault rule asks for. */
export class InjectedError extends Error {
  override readonly name = 'InjectedError'
  readonly code: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly details: Readonly<Record<string, string | number>>

  constructor(o: {
    code: string
    status: number
    message: string
    headers?: Readonly<Record<string, string>>
    details?: Readonly<Record<string, string | number>>
  }) {
    super(o.message)
    this.code = o.code
    this.status = o.status
    this.headers = o.headers ?? {}
    this.details = o.details ?? {}
  }
}
