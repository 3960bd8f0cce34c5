/**
 * Presigned URLs of the bucket, for the endpoint that clients reach. `sigv4/presign` signs them. The SDK signs only for
 * buckets whose host or session it must determine (`presign-by-sdk.ts`).
 */
import type { Capability, Checksum, ObjectRef, Presigner, SignedRequest } from '../driver.ts'
import { StorageError } from '../../errors.ts'
import { encodePath } from '../../sigv4/encode.ts'
import { presign } from '../../sigv4/presign.ts'
import type { ExpiringCredentials } from './connection.ts'
import { sdkAlgorithm } from './object-head.ts'
import { presignBySdk } from './presign-by-sdk.ts'
import {
  downloadRequest,
  headRequest,
  signAsAsked,
  uploadPartRequest,
  uploadRequest,
  type RequestToSign,
} from '../presign-requests.ts'
import { assertExpiresIn } from '../rules.ts'
import type { S3Deps } from './s3-deps.ts'
import { publicPrefix } from '../../gateway-names.ts'

type Bindings = { contentLength?: number; checksum?: Checksum; ifNoneMatch?: unknown }

export function presigner(deps: S3Deps): Omit<Presigner, 'presignPost'> {
  const { settings, connection, keys } = deps

  async function sign(
    ref: ObjectRef,
    request: RequestToSign,
    asked: { expiresIn: number; signedAt?: Date | undefined },
  ): Promise<SignedRequest> {
    const key = keys.of(ref)
    assertExpiresIn(asked.expiresIn)
    const credentials = await connection.credentials()
    const signedAt = asked.signedAt ?? settings.now()
    const expiresIn = capExpiry(asked.expiresIn, signedAt, credentials)
    const { method } = request
    if (settings.publicEndpoint === null) {
      return { method, expiresIn, ...(await presignBySdk(deps, key, request, { expiresIn, signedAt })) }
    }
    const by = {
      endpoint: settings.publicEndpoint,
      pathStyle: settings.pathStyle,
      region: settings.region,
      credentials,
      expiresIn,
      now: signedAt,
    }
    const signed = signAsAsked(() => presign({ ...request, ...by, key, bucket: ref.bucket }))
    return { method, expiresIn, ...signed }
  }

  function assertBindable(o: Bindings): void {
    if (o.contentLength !== undefined) assertCapable('signed-length', 'a content-length')
    if (o.checksum !== undefined) {
      assertCapable('signed-checksum', 'a checksum')
      sdkAlgorithm(o.checksum.algorithm, settings.preset)
    }
    if (o.ifNoneMatch !== undefined) assertCapable('conditional-put', 'If-None-Match')
  }

  function assertCapable(capability: Capability, what: string): void {
    if (settings.preset.capabilities.includes(capability)) return
    throw new StorageError('NotSupported', { message: `The bucket's store is not known to enforce ${what} of a URL.` })
  }

  function assertIrrevocable({ link }: { link?: string }): void {
    if (link === undefined) return
    throw new StorageError('NotSupported', {
      message: 'A bucket cannot check share links, so it would serve a revoked one.',
    })
  }

  return {
    async presignUpload(ref, o) {
      assertBindable(o)
      return sign(ref, uploadRequest(o), o)
    },
    async presignUploadPart(ref, o) {
      assertBindable(o)
      return sign(ref, uploadPartRequest(o), o)
    },
    async presignDownload(ref, o) {
      assertIrrevocable(o)
      return sign(ref, downloadRequest(o), o)
    },
    async presignHead(ref, o) {
      assertIrrevocable(o)
      return sign(ref, headRequest(o), o)
    },
    publicUrl(ref) {
      if (settings.publicBaseUrl === null || !ref.key.startsWith(publicPrefix)) return null
      return `${settings.publicBaseUrl.replace(/\/+$/, '')}/${encodePath(keys.of(ref))}`
    },
  }
}

/** A URL expires no later than the credentials that signed it. Errors: Unavailable if they have expired already. */
export function capExpiry(expiresIn: number, signedAt: Date, { expiration }: ExpiringCredentials): number {
  if (!expiration) return expiresIn
  const left = Math.floor(expiration.getTime() / 1000) - Math.floor(signedAt.getTime() / 1000)
  if (left < 1) {
    throw new StorageError('Unavailable', {
      message: "The bucket's temporary credentials have expired.",
      retryAfter: 5,
    })
  }
  return Math.min(expiresIn, left)
}
