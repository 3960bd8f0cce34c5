import type { IncomingMessage, ServerResponse } from 'node:http'
import { StorageError } from '../errors.ts'
import type { ObjectHead, ObjectHeaders, ObjectRef, StorageDriver, WrittenObject } from '../drivers/driver.ts'
import type { Logger } from '../log.ts'
import type { RequestSink } from '../http/request-event.ts'
import type { KeyRing, Verified } from '../sigv4/types.ts'
import type { Access } from './access.ts'
import type { SendFile } from './hand-off.ts'
import type { Target } from './target.ts'

export type ObjectsDeps = {
  store: StorageDriver
  keys: KeyRing
  region: string
  /** The gateway's own bucket: only its own key writes to it, and everyone reads below `publicPrefix`. */
  gatewayBucket: string
  gatewayOwner: string
  publicPrefix: string
  /** The path of the endpoint's public URL, without a slash at its end; requests come with it. */
  pathPrefix: () => string
  /** The endpoint's public URL, for the locations that answers name. Without it they name paths. */
  publicUrl?: () => string
  /** A domain whose sub-domains are buckets, or null for path style alone. */
  virtualHosts: string | null
  /** Whether this request may be signed with version 2. Without it none may. */
  acceptsVersion2?: (req: IncomingMessage) => boolean
  /** Origins that may use the gateway's bucket; other buckets have CORS rules of their own. */
  corsOrigins: () => readonly string[]
  /** Bytes an object in the gateway's bucket may have. */
  maxGatewayPut: number
  /** Types that may be shown in place where content is served to people. */
  inlineTypes: readonly string[]
  log: Logger
  now: () => Date
  /**
   * Awaited before an object is written to the gateway's bucket: the headers that it gets and the most bytes that it may
   * have, where the key belongs to an upload; null where it does not.
   */
  grantedWrite?: (ref: ObjectRef) => Promise<{ headers: ObjectHeaders; maxBytes: number } | null>
  /**
   * Asked before somebody without rights of their own reads below `publicPrefix`. `nobody`: the key belongs to no upload,
   * and the object is served as it is stored; null: nothing is served. Without it everything there is served as stored.
   */
  publicObject?: (ref: ObjectRef) => Promise<PublicObject | 'nobody' | null>
  /** Awaited before a write to the gateway's bucket is answered. */
  onObjectWritten?: (ref: ObjectRef) => Promise<void>
  /** Awaited before a part for the gateway's bucket is read; rejects to refuse it. */
  admitPart?: (ref: ObjectRef, part: { uploadId: string; partNumber: number; contentLength: number }) => Promise<void>
  /** Asked before a read that bears the id of a link. Without it all of those are refused. */
  links?: { isAlive(id: string): Promise<boolean> }
  /** How a server in front is told to send the bytes itself. Default: off. */
  sendfile?: SendFile
  /** Development mode: which access keys are limited to a developer's own machine, and whether using a bucket creates it. */
  development?: { accessKeys: () => readonly string[]; createsBuckets: boolean; anyHost: boolean }
  /** Handed the event of each answered request. */
  sinks?: readonly RequestSink[]
  /** Bounds the writes to the gateway's bucket, and ends those of a deleted upload. */
  writes?: {
    run<T extends Pick<WrittenObject, 'replacedGone'>>(
      ref: ObjectRef,
      partNumber: number | null,
      write: (signal: AbortSignal) => Promise<T>,
    ): Promise<T>
  }
  /** Whether a token is one that the API accepts. Without it every request with two kinds of credentials is refused. */
  isOwnToken?: (token: string) => Promise<boolean>
  /** Proxies whose X-Forwarded-For the log believes. */
  trustedProxies?: readonly string[]
}

/** A public file: what it is served as, and whether the object in the store is the one that was verified. */
export type PublicObject = {
  headers: ObjectHeaders
  versionId?: string
  accepts(head: ObjectHead): Promise<boolean>
}

/** Runs a write to the gateway's bucket as `RunningWrites` does, and any other write as it is. */
export const runWrite = <T extends Pick<WrittenObject, 'replacedGone'>>(
  deps: Pick<ObjectsDeps, 'writes' | 'gatewayBucket'>,
  ref: ObjectRef,
  partNumber: number | null,
  write: (o: { signal?: AbortSignal }) => Promise<T>,
): Promise<T> =>
  deps.writes !== undefined && ref.bucket === deps.gatewayBucket
    ? deps.writes.run(ref, partNumber, (signal) => write({ signal }))
    : write({})

export type Principal = { kind: 'anonymous' } | { kind: 'key'; owner: string; gateway: boolean }

/** One request, as every operation sees it. */
export type S3Context = Target & {
  req: IncomingMessage
  res: ServerResponse
  method: string
  /** Names in lower case, repeated headers joined with "," as signatures have them; values as on the wire. */
  headers: ReadonlyMap<string, string>
  requestId: string
  /** The name of what is done, once that is known. */
  operation: string | null
  principal: Principal
  /** null for anonymous requests. */
  verified: Verified | null
  /** A CORS rule of the bucket itself holds for this request. */
  ownCors: boolean
}

export type OperationDeps = ObjectsDeps & { access: Access }

/** Parse, authorise, run, write the answer. */
export type Operation = (ctx: S3Context, deps: OperationDeps) => Promise<void>

/**
 * The headers of a request with those of its presigned URL. A name never stands in both: the verifier refuses an unsigned
 * header, and a signed one must have the value of the query.
 */
export function withHoisted(
  headers: ReadonlyMap<string, string>,
  hoisted: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  return hoisted.size === 0 ? headers : new Map([...headers, ...hoisted])
}

/** Node joins repeated headers with ", " or drops all but the first: neither is what was signed. */
export function readHeaders(rawHeaders: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    const value = rawHeaders[i + 1]!
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before},${value}`)
  }
  return headers
}

/** The object a route on objects is about. */
export function objectOf(ctx: S3Context): ObjectRef {
  if (ctx.bucket === null || ctx.key === null)
    throw new StorageError('InvalidRequest', { message: 'A key is missing.' })
  return { bucket: ctx.bucket, key: ctx.key }
}

/** The bucket a route on buckets is about. */
export function bucketOf(ctx: S3Context): string {
  if (ctx.bucket === null) throw new StorageError('InvalidRequest', { message: 'A bucket is missing.' })
  return ctx.bucket
}

export const arnOf = (bucket: string): string => `arn:aws:s3:::${bucket}`

/** For what the store keeps per object and not per version: any version but `null` is one that is not there. */
export function refuseVersion(ctx: S3Context): void {
  const versionId = ctx.query.get('versionId')
  if (versionId !== undefined && versionId !== 'null') {
    throw new StorageError('InvalidArgument', {
      message: 'Invalid version id specified',
      details: { ArgumentName: 'versionId', ArgumentValue: versionId.slice(0, 80) },
    })
  }
}
