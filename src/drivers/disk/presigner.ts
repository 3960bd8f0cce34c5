/** URLs of this process's own objects endpoint, in the shape that a bucket's have. */
import { StorageError } from '../../errors.ts'
import { encodePath } from '../../sigv4/encode.ts'
import { presign } from '../../sigv4/presign.ts'
import type { SigningCredentials } from '../../sigv4/types.ts'
import type { Checksum, ObjectRef, Presigner, ResponseOverrides, SignedRequest } from '../driver.ts'
import { assertKey, assertVersion, limits } from './rules.ts'

export type PresignerOptions = {
  /** Base URL of the objects endpoint; may carry a path prefix. */
  publicUrl: () => string
  region: string
  credentials: SigningCredentials
  now: () => Date
}

type Request = {
  method: string
  expiresIn: number
  headers?: Record<string, string>
  query?: Record<string, string>
  signedAt?: Date
}

type Signer = {
  endpoint: string
  pathStyle: true
  credentials: SigningCredentials
  region: string
  now: Date
}

/** What cannot be signed as asked is InvalidArgument. */
export function signing<T>(o: PresignerOptions, sign: (by: Signer) => T): T {
  const endpoint = endpointOf(o)
  try {
    return sign({ endpoint, pathStyle: true, credentials: o.credentials, region: o.region, now: o.now() })
  } catch (cause) {
    if (!(cause instanceof TypeError || cause instanceof RangeError)) throw cause
    throw new StorageError('InvalidArgument', { message: 'The request cannot be signed as asked.', cause })
  }
}

const endpointOf = (o: PresignerOptions): string => o.publicUrl().replace(/\/+$/, '')

export function createPresigner(o: PresignerOptions): Omit<Presigner, 'presignPost'> {
  function sign(ref: ObjectRef, { signedAt, ...request }: Request): SignedRequest {
    assertKey(ref)
    assertExpiresIn(request.expiresIn)
    const signed = signing(o, (by) => presign({ ...ref, ...request, ...by, ...(signedAt && { now: signedAt }) }))
    return { method: request.method, expiresIn: request.expiresIn, ...signed }
  }

  return {
    async presignUpload(ref, { expiresIn, contentType, contentLength, checksum, ifNoneMatch }) {
      const headers = {
        ...(contentType !== undefined && { 'content-type': contentType }),
        ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
        ...bodyHeaders(contentLength, checksum),
      }
      return sign(ref, { method: 'PUT', expiresIn, headers })
    },

    async presignUploadPart(ref, { uploadId, partNumber, expiresIn, contentLength, checksum }) {
      if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > limits.maxParts)
        throw new StorageError('InvalidArgument', {
          message: `Part number must be an integer between 1 and ${limits.maxParts}, inclusive`,
        })
      return sign(ref, {
        method: 'PUT',
        expiresIn,
        query: { partNumber: String(partNumber), uploadId },
        headers: bodyHeaders(contentLength, checksum),
      })
    },

    async presignDownload(ref, { expiresIn, versionId, response = {}, signedAt }) {
      assertVersion(versionId)
      const query = responseParameters(response)
      return sign(ref, { method: 'GET', expiresIn, query, ...(signedAt && { signedAt }) })
    },

    async presignHead(ref, { expiresIn, versionId }) {
      assertVersion(versionId)
      return sign(ref, { method: 'HEAD', expiresIn })
    },

    publicUrl: ({ bucket, key }) => `${endpointOf(o)}/${bucket}/${encodePath(key)}`,
  }
}

export function assertExpiresIn(expiresIn: number): void {
  if (Number.isInteger(expiresIn) && expiresIn >= 1 && expiresIn <= limits.maxExpiresIn) return
  throw new StorageError('InvalidArgument', { message: `expiresIn is 1 to ${limits.maxExpiresIn} seconds.` })
}

function bodyHeaders(contentLength: number | undefined, checksum: Checksum | undefined): Record<string, string> {
  return {
    ...(contentLength !== undefined && { 'content-length': String(contentLength) }),
    ...(checksum && { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value }),
  }
}

const parameterNames: Record<keyof ResponseOverrides, string> = {
  contentType: 'response-content-type',
  contentDisposition: 'response-content-disposition',
  cacheControl: 'response-cache-control',
  contentEncoding: 'response-content-encoding',
  contentLanguage: 'response-content-language',
  expires: 'response-expires',
}

function responseParameters(response: ResponseOverrides): Record<string, string> {
  const query: Record<string, string> = {}
  for (const [field, name] of Object.entries(parameterNames)) {
    const value = response[field as keyof ResponseOverrides]
    if (value !== undefined) query[name] = value
  }
  return query
}
