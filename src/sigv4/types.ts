/** Types shared by the signer and the verifiers. They are pure: no I/O, no clock, no imports from this project. */
import type { KeyObject } from 'node:crypto'

export type SigningCredentials = {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/** A request as received, without decoding or normalisation. */
export type RawRequest = {
  method: string
  /** The request target as received, with percent-encoding and query: `req.url`. */
  target: string
  /** `req.rawHeaders`: name, value, name, value …, in order. Values are latin1 strings. */
  rawHeaders: readonly string[]
  /**
   * The path prefix of the endpoint, which the signer included, e.g. `/objects`. Empty without one. The verifier
   * signs the whole target. The prefix only marks where bucket and key start.
   */
  pathPrefix: string
}

export type RingKey = {
  secret: KeyObject
  owner: string
  sessionToken?: string
  /** The secret is published, like that of a development server, so a signature by it does not identify the client. */
  wellKnown?: boolean
}

/** Finds a secret by access key id. undefined for a key that is unknown, revoked or expired. */
export type KeyRing = {
  find(accessKeyId: string): RingKey | undefined
}

export type VerifyOptions = {
  region: string
  service: 's3'
  keys: KeyRing
  now: Date
  /** Accepts version 2 signatures. Without it they are rejected. */
  version2?: {
    /** Called for a request with such a signature. */
    accepted: () => boolean
    /** The bucket named by the Host header, which version 2 signs. null in path style. */
    hostBucket: string | null
  }
}

/** Everything that a verification bound, so that callers need not check it again. */
export type Verified = {
  version: 2 | 4
  via: 'query' | 'header'
  accessKeyId: string
  owner: string
  method: string
  /** Names in lower case, values as signed. */
  signedHeaders: ReadonlyMap<string, string>
  /** Signed with a published secret, so anyone may have signed it. */
  wellKnown: boolean
  /** Headers in the query of a presigned URL, which count like sent headers. Names in lower case. */
  hoisted: ReadonlyMap<string, string>
  /** Only for presigned requests. */
  expiresAt?: Date
  /**
   * What the signature says about the body: a hex digest to be matched, `UNSIGNED-PAYLOAD`, or a streaming kind. For
   * presigned requests: the value of x-amz-content-sha256 if it was sent, else UNSIGNED-PAYLOAD.
   */
  payload: string
  /** null for version 2, which cannot sign chunks. */
  seed: ChunkSeed | null
}

export type VerifiedVersion4 = Verified & { version: 4; seed: ChunkSeed }

/** The seed of chunk signatures in a streaming body. */
export type ChunkSeed = { signature: string; signingKey: KeyObject; scope: string; amzDate: string }

/**
 * A rejected signature. `code` is the S3 error code. `details` are further elements of the response (StringToSign,
 * CanonicalRequest, HeadersNotSigned, Expires …). They never contain a key or a computed signature.
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
