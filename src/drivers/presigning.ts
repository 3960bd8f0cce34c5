/** The signing part of the driver port: URLs and forms for clients. */
import type { Checksum, ObjectRef } from './objects.ts'

/**
 * `headers` must be sent verbatim. They never include `content-length` or `host`, which every client sends on its own.
 */
export type SignedRequest = {
  method: string
  url: string
  headers: Record<string, string>
  /** Seconds, as signed. Less than requested if the credentials expire sooner. */
  expiresIn: number
  expiresAt: Date
}
export type SignedForm = {
  method: 'POST'
  url: string
  fields: Record<string, string>
  expiresIn: number
  expiresAt: Date
}

/** Overrides of a download's response headers. Each becomes a signed `response-*` parameter. */
export type ResponseOverrides = {
  contentType?: string
  contentDisposition?: string
  cacheControl?: string
  contentEncoding?: string
  contentLanguage?: string
  expires?: string
}

export type PresignUploadOptions = {
  /** Seconds, 1 to `limits.maxExpiresIn`. */
  expiresIn: number
  contentType?: string
  /** Bound into the signature (`signed-length`). */
  contentLength?: number
  /** Bound into the signature (`signed-checksum`). */
  checksum?: Checksum
  /** The URL can only create an object, never replace one (`conditional-put`). */
  ifNoneMatch?: '*'
}

/** Presigning is a local computation. Tests set `now` in place of the clock. */
export interface Presigner {
  presignUpload(ref: ObjectRef, o: PresignUploadOptions): Promise<SignedRequest>
  presignUploadPart(
    ref: ObjectRef,
    o: { uploadId: string; partNumber: number; expiresIn: number; contentLength?: number; checksum?: Checksum },
  ): Promise<SignedRequest>
  presignDownload(
    ref: ObjectRef,
    o: { expiresIn: number; versionId?: string; response?: ResponseOverrides; signedAt?: Date; link?: string },
  ): Promise<SignedRequest>
  presignHead(ref: ObjectRef, o: { expiresIn: number; versionId?: string; link?: string }): Promise<SignedRequest>
  /** A form upload limited by a content-length-range. Errors: NotSupported without `presign-post`. */
  presignPost(
    ref: ObjectRef,
    o: { expiresIn: number; contentType?: string; minBytes: number; maxBytes: number; checksum?: Checksum },
  ): Promise<SignedForm>
  /** The URL for anonymous reads of a public object, or null if there is none. */
  publicUrl(ref: ObjectRef): string | null
}
