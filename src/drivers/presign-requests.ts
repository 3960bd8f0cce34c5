/** The requests that are presigned: method, signed headers and signed parameters of each. */
import type { Checksum, Presigner, PresignUploadOptions, ResponseOverrides } from './driver.ts'
import { StorageError } from '../errors.ts'
import { assertPartNumber } from './rules.ts'

export type RequestToSign = {
  method: 'GET' | 'HEAD' | 'PUT'
  /** Names in lower case. */
  headers: Record<string, string>
  query: Record<string, string>
}

/** Runs a signer of `sigv4/`. A request that it cannot sign is InvalidArgument. */
export function signAsAsked<T>(sign: () => T, what: 'request' | 'form' = 'request'): T {
  try {
    return sign()
  } catch (cause) {
    if (!(cause instanceof TypeError || cause instanceof RangeError)) throw cause
    throw new StorageError('InvalidArgument', { message: `The ${what} cannot be signed as asked.`, cause })
  }
}

export const uploadRequest = ({
  contentType,
  contentLength,
  checksum,
  ifNoneMatch,
}: PresignUploadOptions): RequestToSign => ({
  method: 'PUT',
  headers: {
    ...(contentType === undefined ? {} : { 'content-type': contentType }),
    ...(ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch }),
    ...bodyHeaders(contentLength, checksum),
  },
  query: {},
})

export function uploadPartRequest(o: Parameters<Presigner['presignUploadPart']>[1]): RequestToSign {
  assertPartNumber(o.partNumber)
  return {
    method: 'PUT',
    headers: bodyHeaders(o.contentLength, o.checksum),
    query: { partNumber: String(o.partNumber), uploadId: o.uploadId },
  }
}

type ReadToSign = { versionId?: string; response?: ResponseOverrides; link?: string }

export const downloadRequest = ({ response = {}, ...o }: ReadToSign): RequestToSign => ({
  method: 'GET',
  headers: {},
  query: { ...version(o.versionId), ...responseParameters(response), ...link(o.link) },
})

export const headRequest = (o: Omit<ReadToSign, 'response'>): RequestToSign => ({
  method: 'HEAD',
  headers: {},
  query: { ...version(o.versionId), ...link(o.link) },
})

/** The id of the share link behind a read. The objects endpoint checks that the link is still active. */
const link = (id: string | undefined): Record<string, string> => (id === undefined ? {} : { 'x-postern-link': id })

const version = (versionId: string | undefined): Record<string, string> =>
  versionId === undefined ? {} : { versionId }

/** Form fields that restrict the uploaded file. */
export const formFields = ({ contentType, checksum }: { contentType?: string; checksum?: Checksum }) => ({
  ...(contentType === undefined ? {} : { 'Content-Type': contentType }),
  ...bodyHeaders(undefined, checksum),
})

function bodyHeaders(contentLength: number | undefined, checksum: Checksum | undefined): Record<string, string> {
  return {
    ...(contentLength === undefined ? {} : { 'content-length': String(contentLength) }),
    ...(checksum ? { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value } : {}),
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
  const named = Object.entries(response).filter(([, value]) => value !== undefined)
  return Object.fromEntries(named.map(([field, value]) => [parameterNames[field as keyof ResponseOverrides], value]))
}
