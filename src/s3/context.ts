import type { IncomingMessage, ServerResponse } from 'node:http'
import { StorageError } from '../errors.ts'
import type {
  ObjectHead,
  ObjectHeaders,
  ObjectRef,
  OfVersion,
  StorageDriver,
  WrittenObject,
  BucketInfo,
} from '../drivers/driver.ts'
import type { Logger } from '../log.ts'
import type { Explanation } from '../explain/explanation.ts'
import type { DetailsUrl } from '../http/advice.ts'
import type { Interceptor } from '../http/intercept.ts'
import type { RequestSink } from '../http/request-event.ts'
import type { KeyRing, RawRequest, Verified } from '../sigv4/types.ts'
import type { Target } from './target.ts'
import type { S3Action } from './actions.ts'

export type Access = {
  /**
   * Resolves if the requester is allowed. Otherwise throws AccessDenied, or NoSuchBucket if the bucket does not exist.
   */
  allow(who: Requester, action: S3Action, on: On): Promise<Allowed>
  /** Whether the policy of a bucket allows something to everyone. null if the bucket has no policy. */
  hasPublicPolicy(bucket: BucketInfo): boolean | null
  /** For a request that deletes many keys. Throws the same errors if the requester is allowed none of them. */
  allowDeletes(who: Requester, bucket: string): Promise<AllowedDeletes>
  /**
   * The same for reading an object. If the requester may read it only because it is public, resolves to the public
   * file. Then only the verified object may be served, with the headers of the file.
   */
  allowRead(who: Requester, on: ObjectRef & OfVersion): Promise<PublicObject | null>
}

/** `allow` throws AccessDenied for a key, or for a version of it. */
export type AllowedDeletes = Allowed & { allow(key: string, versionId: string | undefined): Promise<void> }

/** The bucket that was looked up. null for the gateway's own bucket and for a bucket that the request creates. */
export type Allowed = { bucket: BucketInfo | null }

/**
 * `isNew`: the ACL belongs to an object that this request writes, so the right to write suffices to set it.
 * `isInitiator`: whether the requester created the upload that the request continues. Initiators may list and abort their
 * uploads. The ACL of a bucket gives no access to the uploads of others.
 */
export type On = { bucket: string; key?: string; versionId?: string; isNew?: boolean; isInitiator?: boolean }

export type Requester = Pick<S3Context, 'principal' | 'verified' | 'headers' | 'query' | 'req'> & {
  /** The tags that the request sets, if they are not in x-amz-tagging. */
  requestTags?: () => Promise<Record<string, string>>
  /** Present for a form, whose policy is signed instead of the request. */
  form?: { version: 2 | 4 }
}

export type SendFile = 'off' | 'x-accel' | 'x-sendfile'

export type ObjectsDeps = {
  store: StorageDriver
  keys: KeyRing
  region: string
  /** The gateway's own bucket. Only the gateway's key writes to it, and everyone may read below `publicPrefix`. */
  gatewayBucket: string
  gatewayOwner: string
  publicPrefix: string
  /** The path of the endpoint's public URL, without a trailing slash. Request targets include it. */
  pathPrefix: () => string
  /** The endpoint's public URL, used in Location headers. Without it they contain paths. */
  publicUrl?: () => string
  /** A domain whose subdomains are buckets. null for path style only. */
  virtualHosts: string | null
  /** Whether this request may use signature version 2. Without it no request may. */
  acceptsVersion2?: (req: IncomingMessage) => boolean
  /** Origins that may use the gateway's bucket. Other buckets have their own CORS rules. */
  corsOrigins: () => readonly string[]
  /** Maximum bytes of an object in the gateway's bucket. */
  maxGatewayPut: number
  /** Types that may be displayed inline where content is served to people. */
  inlineTypes: readonly string[]
  log: Logger
  now: () => Date
  /**
   * Awaited before an object is written to the gateway's bucket. Resolves to the headers and the size limit of the
   * upload that the key belongs to, or null if there is none.
   */
  grantedWrite?: (ref: ObjectRef) => Promise<{ headers: ObjectHeaders; maxBytes: number } | null>
  /**
   * Called before a requester without rights reads below `publicPrefix`. `no upload`: the key belongs to no upload, and
   * the object is served as stored. null: nothing is served. Without this function everything is served as stored.
   */
  publicObject?: (ref: ObjectRef) => Promise<PublicObject | 'no upload' | null>
  /** Awaited before a write to the gateway's bucket is answered. */
  onObjectWritten?: (ref: ObjectRef) => Promise<void>
  /** Awaited before a part for the gateway's bucket is read. Rejects to refuse it. */
  admitPart?: (ref: ObjectRef, part: { uploadId: string; partNumber: number; contentLength: number }) => Promise<void>
  /** Called before a read whose URL carries a link id. Without it all such reads are refused. */
  links?: { isAlive(id: string): Promise<boolean> }
  /** How this process asks the server in front to send the bytes. Default: off. */
  sendfile?: SendFile
  /**
   * Development mode: the access keys that only work from the developer's machine, and whether using a bucket creates
   * it.
   */
  development?: { accessKeys: () => readonly string[]; createsBuckets: boolean; anyHost: boolean }
  /** In test mode: injects faults, and chooses the time at which signed headers are checked. */
  testing?: { intercept: Interceptor; signingTime: (req: IncomingMessage) => Date }
  /** In development mode, error responses contain advice. For a wrong signature, it names the difference. */
  advice?: { explain: (request: Omit<RawRequest, 'pathPrefix'>) => Explanation; detailsUrl: DetailsUrl }
  /** Receive the event of each answered request. */
  sinks?: readonly RequestSink[]
  /** Limits writes to the gateway's bucket, and aborts those of a deleted upload. */
  writes?: {
    run<T extends Pick<WrittenObject, 'replacedGone'>>(
      ref: ObjectRef,
      partNumber: number | null,
      write: (signal: AbortSignal) => Promise<T>,
    ): Promise<T>
  }
  /** Whether the API accepts a token. Without it, requests with two kinds of credentials are refused. */
  isOwnToken?: (token: string) => Promise<boolean>
  /** Proxies whose X-Forwarded-For is trusted. */
  trustedProxies?: readonly string[]
}

/** A public file: the headers to serve it with, and whether a stored object is the verified one. */
export type PublicObject = {
  headers: ObjectHeaders
  versionId?: string
  accepts(head: ObjectHead): Promise<boolean>
}

/** Runs a write to the gateway's bucket under `RunningWrites`, and any other write directly. */
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

/** One request, as passed to an operation. */
export type S3Context = Target & {
  req: IncomingMessage
  res: ServerResponse
  method: string
  /** Names in lower case. Repeated headers are joined with "," as in signatures. Values as on the wire. */
  headers: ReadonlyMap<string, string>
  requestId: string
  /** The name of the operation, once known. */
  operation: string | null
  principal: Principal
  /** null for anonymous requests. */
  verified: Verified | null
  /** Whether a CORS rule of the bucket applies to this request. */
  ownCors: boolean
}

export type OperationDeps = ObjectsDeps & { access: Access }

/** Parses, authorises, runs and writes the response. */
export type Operation = (ctx: S3Context, deps: OperationDeps) => Promise<void>

/**
 * The request's headers with those hoisted into its presigned URL. A name is never in both: the verifier rejects an
 * unsigned header, and a signed one must equal the query value.
 */
export function withHoisted(
  headers: ReadonlyMap<string, string>,
  hoisted: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  return hoisted.size === 0 ? headers : new Map([...headers, ...hoisted])
}

/** Node joins repeated headers with ", " or keeps only the first. Neither matches the signature. */
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

/** The object of a request to an object route. */
export function objectOf(ctx: S3Context): ObjectRef {
  if (ctx.bucket === null || ctx.key === null)
    throw new StorageError('InvalidRequest', { message: 'A key is missing.' })
  return { bucket: ctx.bucket, key: ctx.key }
}

/** The bucket of a request to a bucket route. */
export function bucketOf(ctx: S3Context): string {
  if (ctx.bucket === null) throw new StorageError('InvalidRequest', { message: 'A bucket is missing.' })
  return ctx.bucket
}

export const arnOf = (bucket: string): string => `arn:aws:s3:::${bucket}`

/** The version that a request names. */
export function versionOf(ctx: Pick<S3Context, 'query'>): OfVersion {
  const versionId = ctx.query.get('versionId')
  return versionId === undefined ? {} : { versionId }
}
