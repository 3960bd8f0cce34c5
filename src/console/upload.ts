/** One upload: ask for a URL, send the bytes straight to it, have the server verify what arrived. */
import { ApiError, beginUpload, confirmUpload, renewUpload } from './api.ts'
import type { FileRecord, UploadTicket } from './api.ts'

export type UploadStep = 'signing' | 'uploading' | 'finalizing' | 'confirming'

export type UploadHooks = {
  onStep: (step: UploadStep) => void
  onProgress: (loaded: number) => void
  /** Called once the server knows the upload: a retry or a cancel refers to it by this ticket. */
  onTicket: (ticket: UploadTicket) => void
}

/** `retryable` is false where the same file would be refused again; `expired` says that a fresh URL will do. */
export class UploadError extends Error {
  readonly retryable: boolean
  readonly expired: boolean
  constructor(message: string, o: { retryable: boolean; expired?: boolean; cause?: unknown }) {
    super(message, { cause: o.cause })
    this.retryable = o.retryable
    this.expired = o.expired ?? false
  }
}

const temporary = (status: number): boolean =>
  status === 0 || status === 401 || status === 408 || status === 429 || status >= 500

/** `previous` is the ticket of an earlier try: its reservation is used again instead of a second one being made. */
export async function uploadFile(
  file: File,
  hooks: UploadHooks,
  signal: AbortSignal,
  previous?: UploadTicket,
): Promise<FileRecord> {
  const mimeType = file.type || 'application/octet-stream'
  try {
    hooks.onStep('signing')
    const ticket = previous
      ? await renewOrBegin(previous, file, mimeType, signal)
      : await beginUpload(file, mimeType, signal)
    hooks.onTicket(ticket)
    hooks.onStep('uploading')
    await send(file, ticket, hooks, signal).catch(async (error: unknown) => {
      if (!(error instanceof UploadError && error.expired)) throw error
      hooks.onStep('signing')
      const fresh = await renewUpload(ticket.id, signal)
      hooks.onStep('uploading')
      await send(file, { ...ticket, ...fresh }, hooks, signal)
    })
    hooks.onStep('confirming')
    return await confirmUpload(ticket.key, signal)
  } catch (error) {
    if (signal.aborted || error instanceof UploadError) throw error
    if (!(error instanceof ApiError))
      throw new UploadError('The upload stopped unexpectedly.', { retryable: true, cause: error })
    throw new UploadError(error.message, { retryable: temporary(error.status) || error.status === 409, cause: error })
  }
}

async function renewOrBegin(
  previous: UploadTicket,
  file: File,
  mimeType: string,
  signal: AbortSignal,
): Promise<UploadTicket> {
  try {
    return { ...previous, ...(await renewUpload(previous.id, signal)) }
  } catch (error) {
    if (error instanceof ApiError && error.status >= 400 && error.status < 500 && !temporary(error.status))
      return beginUpload(file, mimeType, signal)
    throw error
  }
}

/** XHR, because fetch tells nothing of the bytes that have left. */
function send(file: File, ticket: UploadTicket, hooks: UploadHooks, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    const abort = (): void => xhr.abort()
    signal.addEventListener('abort', abort, { once: true })
    xhr.open(ticket.method, ticket.uploadUrl)
    for (const [name, value] of Object.entries(ticket.headers)) xhr.setRequestHeader(name, value)
    xhr.upload.addEventListener('progress', (e) => hooks.onProgress(e.loaded))
    xhr.upload.addEventListener('load', () => hooks.onStep('finalizing'))
    xhr.addEventListener('load', () => {
      const refusal = refusalOf(xhr)
      if (refusal) reject(refusal)
      else resolve()
    })
    xhr.addEventListener('error', () => reject(lostConnection(ticket.uploadUrl)))
    xhr.addEventListener('abort', () => reject(new DOMException('Canceled', 'AbortError')))
    xhr.addEventListener('loadend', () => signal.removeEventListener('abort', abort))
    // A slice fails when the file changes on disk meanwhile; the file itself would send the changed bytes.
    xhr.send(file.slice())
  })
}

const lostConnection = (url: string): UploadError =>
  new UploadError(
    navigator.onLine
      ? `The connection to ${new URL(url).host} was lost, it does not admit this page (CORS), or the file changed while it was read.`
      : 'This computer is offline. Retry when it is back.',
    { retryable: true },
  )

/** null when the store took the bytes; 412 says that an earlier try had delivered them, so the server can verify them. */
function refusalOf(xhr: XMLHttpRequest): UploadError | null {
  const { code, message } = s3Error(xhr.responseText)
  if (xhr.status === 412) return null
  if (xhr.status >= 200 && xhr.status < 300 && !code) return null
  const words = message ?? `The store answered ${xhr.status} ${xhr.statusText}`.trim()
  const said = code ? `Refused: ${words.replace(/\.$/, '')} (${code}).` : `${words}.`
  const expired = xhr.status === 403 && /expired/i.test(message ?? '')
  return new UploadError(said, {
    retryable: temporary(xhr.status) || xhr.status === 403 || xhr.status === 200,
    expired,
  })
}

/** The code and message of an S3 error document; both undefined when the text is none. */
export function s3Error(text: string): { code?: string; message?: string } {
  if (!text.includes('<Error>')) return {}
  const xml = new DOMParser().parseFromString(text, 'application/xml')
  const read = (name: string): string | undefined => xml.querySelector(`Error > ${name}`)?.textContent ?? undefined
  const code = read('Code')
  const message = read('Message')
  return { ...(code ? { code } : {}), ...(message ? { message } : {}) }
}
