/** Reading a body by its events: unlike an async iterator it can be given up at once, and leaves a request alive. */
import type { Readable } from 'node:stream'
import { StorageError } from '../errors.ts'

// An ESM import of node:http would load its WebSocket too: see http/node-http.ts.
const { IncomingMessage } = process.getBuiltinModule('node:http')

const broken = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR', 'HPE_INVALID_EOF_STATE'])

/**
 * Hands every chunk to `onChunk` and waits for the promise it may return. A body that breaks off is IncompleteBody; an
 * error that its maker gave it is passed on. When the read fails the body is destroyed, unless it is an HTTP request:
 * its destruction would take the connection, and with it the answer, along.
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
    // A body that was paused by whoever had it before does not flow by a listener alone.
    body.resume()
  })
}

/** What the body still has to say concerns nobody, and must not end the process. */
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
