export type UploadErrorCode =
  | 'aborted'
  | 'network'
  | 'offline-timeout'
  | 'stalled'
  | 'expired'
  | 'too-large'
  | 'type-rejected'
  | 'checksum'
  | 'file-changed'
  | 'server'
  | 'confirm-failed'

export interface UploadErrorOptions {
  status?: number | undefined
  /** The `Code` of a store's XML error, or the `code` of an API error. */
  s3Code?: string | undefined
  requestId?: string | undefined
  retryable?: boolean | undefined
  /** Seconds, as requested by the server. */
  retryAfter?: number | undefined
  cause?: unknown
}

/** Why an upload failed. `retryable` is false if the same file would be refused again. */
export class UploadError extends Error {
  override readonly name = 'UploadError'
  readonly code: UploadErrorCode
  readonly status: number | undefined
  readonly s3Code: string | undefined
  readonly requestId: string | undefined
  readonly retryable: boolean
  readonly retryAfter: number | undefined

  constructor(code: UploadErrorCode, message: string, o: UploadErrorOptions = {}) {
    super(message, { cause: o.cause })
    this.code = code
    this.status = o.status
    this.s3Code = o.s3Code || undefined
    this.requestId = o.requestId || undefined
    this.retryable = o.retryable ?? false
    this.retryAfter = o.retryAfter
  }
}

/** No response. A page cannot distinguish a lost connection from a CORS refusal. */
export const lostConnection = (host: string, cause?: unknown): UploadError =>
  new UploadError('network', `The connection to ${host} was lost or refused by CORS.`, {
    status: 0,
    retryable: true,
    cause,
  })

export const aborted = (): UploadError => new UploadError('aborted', 'The upload was canceled.')

/** Codes with which S3 asks for a retry, whatever the status. */
const temporaryCodes = new Set([
  'RequestTimeout',
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'ConditionalRequestConflict',
  'OperationAborted',
])

export const isTemporary = (status: number, s3Code = ''): boolean =>
  status === 0 ||
  status === 408 ||
  status === 425 ||
  status === 429 ||
  (status >= 500 && status !== 501 && status !== 507) ||
  temporaryCodes.has(s3Code)

/** The code of a permanent error. */
function codeOf(status: number, s3Code: string): UploadErrorCode {
  if (status === 413 || s3Code === 'EntityTooLarge') return 'too-large'
  if (status === 415) return 'type-rejected'
  if (s3Code === 'BadDigest' || s3Code === 'XAmzContentSHA256Mismatch') return 'checksum'
  return 'server'
}

export interface Refusal {
  status: number
  s3Code?: string | undefined
  message?: string | undefined
  requestId?: string | undefined
  retryAfter?: string | null
}

/** Creates the error for an unsuccessful response. */
export function refused(who: string, o: Refusal): UploadError {
  const { status, s3Code = '' } = o
  const words = o.message?.trim() || `${who} responded with ${status}${s3Code && ` ${s3Code}`}.`
  const retryable = isTemporary(status, s3Code)
  const retryAfter = retryAfterSeconds(o.retryAfter ?? null)
  return new UploadError(retryable ? 'server' : codeOf(status, s3Code), words, { ...o, retryable, retryAfter })
}

/** Retry-After: seconds or a date (RFC 9110, 10.2.3). */
export function retryAfterSeconds(value: string | null, now = Date.now()): number | undefined {
  if (!value) return undefined
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - now) / 1000
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds)
}

/** Code and message of an XML error. All fields are empty if the text is not one. */
export function readErrorDocument(text: string): { s3Code: string; message: string; requestId: string } {
  const xml = text.includes('<Error') && new DOMParser().parseFromString(text, 'application/xml')
  const read = (name: string): string => (xml && xml.querySelector(`Error > ${name}`)?.textContent) || ''
  return { s3Code: read('Code'), message: read('Message'), requestId: read('RequestId') }
}
