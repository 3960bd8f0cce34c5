/** Sends one request with a body. Uses XHR, because fetch reports no upload progress and cannot stream over HTTP/1.1. */
import { aborted, lostConnection, readErrorDocument, refused, UploadError } from './upload-error.ts'

export interface SignedUrl {
  method: string
  url: string
  headers: Record<string, string>
  /** In ms of `performance.now()`, because the server's clock may differ. */
  renewAt: number
  expiresAt: number
}

export interface Send {
  to: SignedUrl
  body: Blob
  signal: AbortSignal
  /** Seconds without progress, and until a response after the last byte. */
  timeouts: { stall: number; answer: number }
  onProgress(bytes: number): void
  /** All bytes were sent. */
  onSent(): void
}

/**
 * Resolves once the store has the bytes. A 412 means that an earlier attempt delivered them. The server verifies the
 * object later. Browsers end requests at `window.stop()`, a reload, a click on a download link, or when the page
 * sleeps. They then fire `abort`, `error`, both or neither before `loadend`, so only our own signal distinguishes a
 * cancel from a lost connection.
 */
export function send({ to, body, signal, timeouts, onProgress, onSent }: Send): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(aborted())
    const xhr = new XMLHttpRequest()
    let timer: ReturnType<typeof setTimeout> | undefined
    let failure: UploadError | undefined
    const expectWithin = (seconds: number, what: string): void => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        failure = new UploadError('stalled', what, { retryable: true })
        xhr.abort()
      }, seconds * 1000)
    }
    const expectProgress = (): void => expectWithin(timeouts.stall, 'The upload made no progress for too long.')
    const abort = (): void => xhr.abort()

    xhr.open(to.method, to.url)
    for (const [name, value] of Object.entries(to.headers)) xhr.setRequestHeader(name, value)
    xhr.upload.addEventListener('progress', (event) => {
      // No browser reliably fires the last progress event before `load`. It must not shorten the wait for the
      // response.
      if (event.loaded < body.size) expectProgress()
      onProgress(Math.min(event.loaded, body.size))
    })
    xhr.upload.addEventListener('load', () => {
      expectWithin(timeouts.answer, 'The store did not respond after the last byte.')
      onSent()
    })
    xhr.addEventListener('loadend', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      const error = xhr.status
        ? refusalOf(xhr)
        : signal.aborted
          ? aborted()
          : (failure ?? lostConnection(new URL(to.url).host))
      if (error) reject(error)
      else resolve()
    })
    signal.addEventListener('abort', abort)
    expectProgress()
    xhr.send(body)
  })
}

function refusalOf(xhr: XMLHttpRequest): UploadError | null {
  const { status } = xhr
  const answer = readErrorDocument(xhr.responseText)
  if (status === 412 || (status >= 200 && status < 300 && !answer.s3Code)) return null
  if (status < 300) return new UploadError('server', answer.message, { ...answer, status, retryable: true })
  // Browsers log an error if a page reads one header that is not exposed.
  const headers = new Map(
    xhr
      .getAllResponseHeaders()
      .split('\r\n')
      .map((line) => line.toLowerCase().split(': ', 2) as [string, string]),
  )
  // S3 answers 403 for an expired URL and 400 for expired temporary credentials.
  const isExpired =
    answer.s3Code === 'ExpiredToken' || (status === 403 && /expired/i.test(answer.s3Code + answer.message))
  if (isExpired) return new UploadError('expired', answer.message, { ...answer, status })
  const requestId = answer.requestId || headers.get('x-amz-request-id')
  return refused('The store', { ...answer, requestId, status, retryAfter: headers.get('retry-after') ?? null })
}
