/** The requests of a gateway in test mode, for `requests` of `startPostern` and `GET /_test/requests`. */
import { maskTarget, maskText } from '../http/logger.ts'
import type { Outcome, RequestEvent, RequestSink } from '../http/request-event.ts'

export type TestRequest = {
  /** A sequence number from 1. */
  id: number
  api: 'api' | 'objects'
  /** The S3 operation (`PutObject`) or the route template (`/files/:id`). */
  operation: string
  method: string
  /** Path and query as received, with credentials masked. */
  target: string
  bucket: string | null
  key: string | null
  /** The user of the token. Null without a token. */
  user: string | null
  /** The owner of the access key that signed the request. Null for URLs of the gateway and for unsigned requests. */
  keyOwner: string | null
  /** Null if the client disconnected before a response was sent. */
  status: number | null
  outcome: Outcome
  /** The error code, e.g. `SignatureDoesNotMatch`. Null if the request was not refused. */
  code: string | null
  /** Why it was refused. */
  reason: string | null
  /** What to do about the refusal. */
  advice: string | null
  /** The number of this request among those with the same operation and key, from 1. */
  attempt: number
  /** ISO 8601. */
  at: string
  ms: number
}

/** All given fields must be equal. `operation` accepts a list. */
export type RequestMatch = Partial<
  Pick<
    TestRequest,
    'api' | 'method' | 'bucket' | 'key' | 'user' | 'keyOwner' | 'status' | 'outcome' | 'code' | 'attempt'
  >
> & { operation?: string | readonly string[] }

/** Maximum number of requests. Older ones are dropped. */
const capacity = 10_000
/** Requests of test routes, health probes and the console are not recorded. */
const ignored = /^\/(?:_test|healthz|readyz|metrics|assets\/|console\/|favicon)/

export class RequestJournal implements Iterable<TestRequest> {
  #requests: TestRequest[] = []
  #attempts = new Map<string, number>()
  #last = 0

  readonly sink: RequestSink = (event) => {
    if (ignored.test(event.target)) return
    if (this.#requests.length === capacity) this.#requests.shift()
    this.#requests.push(this.#record(event))
  };

  [Symbol.iterator](): Iterator<TestRequest> {
    return this.#requests[Symbol.iterator]()
  }

  /** Oldest first. */
  list(match: RequestMatch = {}): TestRequest[] {
    return this.#requests.filter((request) => matches(request, match))
  }

  /**
   * Asserts that `times` matching requests arrived, or at least one without `times`. Throws an Error that lists the last
   * requests.
   */
  expect({ times, ...match }: RequestMatch & { times?: number }): void {
    const found = this.list(match).length
    if (times === undefined ? found > 0 : found === times) return
    const wanted = times === undefined ? 'at least one request' : `${times} ${times === 1 ? 'request' : 'requests'}`
    const arrived = this.#requests.slice(-20).map((request) => `  ${summaryOf(request)}`)
    throw new Error(
      [
        `Expected ${wanted} matching ${JSON.stringify(match)}, found ${found}.`,
        arrived.length === 0 ? 'No request arrived.' : `The last ${arrived.length} requests:`,
        ...arrived,
      ].join('\n'),
    )
  }

  clear(): void {
    this.#requests = []
    this.#attempts.clear()
  }

  #record(event: RequestEvent): TestRequest {
    const { app, operation, bucket, key } = event
    const subject = JSON.stringify([app, operation, bucket, key ?? event.file])
    const attempt = (this.#attempts.get(subject) ?? 0) + 1
    this.#attempts.set(subject, attempt)
    return {
      id: ++this.#last,
      api: app,
      operation,
      method: event.method,
      target: maskTarget(event.target),
      bucket,
      key,
      user: event.user,
      keyOwner: event.keyOwner,
      status: event.status,
      outcome: event.outcome,
      code: event.refusal?.code ?? null,
      reason: event.refusal === null ? null : maskText(event.refusal.message),
      advice: event.refusal === null ? null : maskText(event.refusal.advice),
      attempt,
      at: new Date(event.at).toISOString(),
      ms: Math.round(event.ms * 10) / 10,
    }
  }
}

/** One line: `PUT /uploads/a.png 403 SignatureDoesNotMatch: …`. */
export function summaryOf({ method, target, status, code, reason }: TestRequest): string {
  const path = target.split('?', 1)[0]!
  const answer = status === null ? 'no answer' : String(status)
  return `${method} ${path} ${answer}${code === null ? '' : ` ${code}: ${reason ?? ''}`}`
}

function matches(request: TestRequest, { operation, ...match }: RequestMatch): boolean {
  const operations = operation === undefined ? null : [operation].flat()
  if (operations !== null && !operations.includes(request.operation)) return false
  return Object.entries(match).every(
    ([field, value]) => value === undefined || request[field as keyof TestRequest] === value,
  )
}
