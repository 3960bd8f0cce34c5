/** Reads a body by its events. Unlike an async iterator, this can stop at once without destroying an HTTP request. */
import type { Readable } from 'node:stream'
import { StorageError } from '../errors.ts'

// An ESM import of node:http would also load its WebSocket. See http/node-http.ts.
const { IncomingMessage } = process.getBuiltinModule('node:http')

const broken = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR', 'HPE_INVALID_EOF_STATE'])

/**
 * Passes every chunk to `onChunk` and waits for the promise that it may return. A body that breaks off is
 * IncompleteBody. An error set by the sender of the stream is passed on. If the read fails, the body is destroyed. An
 * HTTP request is paused instead, because destroying it would close the connection before the response.
 */
export function receiveBody(
  body: Readable,
  signals: readonly (AbortSignal | undefined)[],
  onChunk: (chunk: Buffer) => Promise<void> | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = false
    const finish = (fail: { error: unknown } | null): void => {
      if (done) return
      done = true
      body.off('data', onData).off('end', onEnd).off('close', onClose)
      for (const signal of signals) signal?.removeEventListener('abort', onAbort)
      if (!fail) {
        body.off('error', onError)
        resolve()
        return
      }
      dispose(body)
      body.off('error', onError)
      reject(fail.error)
    }
    const onData = (chunk: Buffer | string): void => {
      try {
        const wait = onChunk(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
        if (!wait) return
        body.pause()
        wait.then(
          () => void (done || body.resume()),
          (error: unknown) => finish({ error }),
        )
      } catch (error) {
        finish({ error })
      }
    }
    const onEnd = (): void => finish(null)
    const onError = (error: unknown): void => finish({ error: bodyError(error) })
    const onClose = (): void => finish({ error: bodyError(body.errored) })
    const onAbort = (): void => finish({ error: signals.find((signal) => signal?.aborted)?.reason })

    if (signals.some((signal) => signal?.aborted)) return onAbort()
    if (body.destroyed && !body.readableEnded) return onClose()
    if (body.readableEnded) return onEnd()
    for (const signal of signals) signal?.addEventListener('abort', onAbort)
    body.on('end', onEnd).on('error', onError).on('close', onClose).on('data', onData)
    // A listener alone does not start a body that was paused before.
    body.resume()
  })
}

/** Later errors of the body must not end the process. */
export function dispose(body: Readable): void {
  body.on('error', () => {})
  if (body instanceof IncomingMessage) body.pause()
  else body.destroy()
}

function bodyError(cause: unknown): unknown {
  if (cause && !broken.has((cause as { code?: string }).code ?? '')) return cause
  return new StorageError('IncompleteBody', {
    message: 'The body broke off before its end.',
    ...(cause ? { cause } : {}),
  })
}
