/** Reading the body of a write, so that it can be given up at any moment. */
import { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { StorageError } from '../../errors.ts'

/** Codes with which a stream tells that the other side has gone. */
const brokenOff = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR'])

/**
 * Hands each chunk to `take` and waits for it. Errors: the reason of the signal that is aborted; IncompleteBody for a
 * body that breaks off; what `take` throws, and what the body's maker gave it, as they are. After an error the body is
 * destroyed, but not an HTTP request, whose answer would go with it.
 */
export async function readBody(
  body: Readable,
  signal: AbortSignal | undefined,
  take: (chunk: Buffer) => Promise<void> | undefined,
): Promise<void> {
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer | string>
  let giveUp = () => {}
  const givenUp = new Promise<never>((_resolve, reject) => {
    giveUp = () => reject(signal?.reason)
  })
  givenUp.catch(() => {})
  signal?.addEventListener('abort', giveUp, { once: true })
  try {
    signal?.throwIfAborted()
    for (;;) {
      const { done, value } = await Promise.race([nextOf(chunks), givenUp])
      if (done) return
      await take(typeof value === 'string' ? Buffer.from(value) : value)
    }
  } catch (e) {
    dispose(body)
    throw e
  } finally {
    signal?.removeEventListener('abort', giveUp)
  }
}

async function nextOf(chunks: AsyncIterator<Buffer | string>): Promise<IteratorResult<Buffer | string>> {
  try {
    return await chunks.next()
  } catch (cause) {
    if (!brokenOff.has((cause as { code?: string }).code ?? '')) throw cause
    throw new StorageError('IncompleteBody', { message: 'The body broke off before its end', cause })
  }
}

/** What the body still has to say concerns nobody, and must not end the process. */
export function dispose(body: Readable): void {
  body.on('error', () => {})
  if (body instanceof IncomingMessage) body.pause()
  else body.destroy()
}
