/** Shapes shared by the signer and the verifiers. Pure: no I/O, no clock, nothing of ours is imported. */
import type { KeyObject } from 'node:crypto'

export type SigningCredentials = {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** A request as it stood on the wire; nothing decoded, nothing normalised. */
export type RawRequest = {
  method: string
  /** The request target as received, percent-encoding and query included: `req.url`. */
  target: string
  /** `req.rawHeaders`: name, value, name, value … in order, values as latin1 strings. */
  rawHeaders: readonly string[]
  /**
   * Path prefix under which the endpoint is mounted and which the signer included, e.g. `/objects`; empty when none.
   * The verifier signs over the whole target; the prefix only tells where bucket and key begin.
   */
  pathPrefix: string
}

export type RingKey = {
  secret: KeyObject
  owner: string
  sessionToken?: string
  /** The secret is published, as that of a development server is: a signature by it says nothing about who asks. */
  wellKnown?: boolean
}

/** Looks a secret up by access key id; undefined for a key that is unknown, revoked or past its end. */
export type KeyRing = {
  find(accessKeyId: string): RingKey | undefined
}

export type VerifyOptions = {
  region: string
  service: 's3'
  keys: KeyRing
  now: Date
  /** Signatures of version 2; without it they are refused. */
  version2?: {
    /** Asked when a request has one. */
    accepted: () => boolean
    /** The bucket that the Host header names, which version 2 signs; null in path style. */
    hostBucket: string | null
  }
}

/** Everything a verification bound, so that nobody checks it again or forgets to. */
export type Verified = {
  version: 2 | 4
  via: 'query' | 'header'
  accessKeyId: string
  owner: string
  method: string
  /** Names in lower case; values as they were signed. */
  signedHeaders: ReadonlyMap<string, string>
  /** Signed with a published secret, so by anyone. */
  wellKnown: boolean
  /** Headers in the query of a presigned URL, which count as if they had been sent. Names in lower case. */
  hoisted: ReadonlyMap<string, string>
  /** Presigned only. */
  expiresAt?: Date
  /**
   * What the signature says of the body: a hex digest to be matched, `UNSIGNED-PAYLOAD`, or a streaming kind.
   * Presigned requests: the value of x-amz-content-sha256 where it was sent, else UNSIGNED-PAYLOAD.
   */
  payload: string
  /** null for version 2, which signs no body in chunks. */
  seed: ChunkSeed | null
}

export type VerifiedVersion4 = Verified & { version: 4; seed: ChunkSeed }

/** For chunk signatures of streaming bodies. */
export type ChunkSeed = { signature: string; signingKey: KeyObject; scope: string; amzDate: string }

/**
 * A refused signature. `code` is the S3 error code, `details` what the answer's body carries beside the message
 * (StringToSign, CanonicalRequest, HeadersNotSigned, Expires …): never a key or a computed MAC.
 */
export class SignatureError extends Error {
  override readonly name = 'SignatureError'
  readonly code: SignatureErrorCode
  readonly details: Readonly<Record<string, string>>
  constructor(code: SignatureErrorCode, message: string, details: Record<string, string> = {}) {
    super(message)
    this.code = code
    this.details = details
  }
}

export type SignatureErrorCode =
  | 'AccessDenied'
  | 'AuthorizationHeaderMalformed'
  | 'AuthorizationQueryParametersError'
  | 'InvalidAccessKeyId'
  | 'InvalidArgument'
  | 'InvalidRequest'
  | 'InvalidToken'
  | 'RequestTimeTooSkewed'
  | 'SignatureDoesNotMatch'
  | 'IncompleteBody'
  | 'InvalidChunkSizeError'
  | 'MalformedTrailerError'
  | 'MissingContentLength'
  | 'InvalidPolicyDocument'
  | 'EntityTooLarge'
  | 'EntityTooSmall'
