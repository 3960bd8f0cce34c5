/** Writing to what may close at any time: every write settles, also where the stream forgets its callback. */
import type { Writable } from 'node:stream'
import { StorageError } from '../../errors.ts'

export class SettlingWriter {
  readonly #out: Writable
  readonly #signal: AbortSignal | undefined
  readonly #pending = new Set<(reason: unknown) => void>()
  #failure: { reason: unknown } | null = null

  constructor(out: Writable, signal?: AbortSignal) {
    this.#out = out
    this.#signal = signal
    out.on('close', this.#onClose).on('error', this.#onError)
    signal?.addEventListener('abort', this.#onAbort)
    if (signal?.aborted) this.#onAbort()
    else if (out.destroyed) this.#onClose()
  }

  /** Resolves when the stream is done with the chunk. */
  write(chunk: Buffer): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      if (this.#failure) return reject(this.#failure.reason)
      this.#pending.add(reject)
      this.#out.write(chunk, (error) => {
        this.#pending.delete(reject)
        if (error) reject(error)
        else resolve()
      })
    })
    // Whoever awaits it still hears; a write that nobody waits for yet must not count as unhandled.
    written.catch(() => {})
    return written
  }

  /** Throws if the stream closed, failed or was given up since the beginning. */
  assertOpen(): void {
    if (this.#failure) throw this.#failure.reason
  }

  detach(): void {
    this.#out.off('close', this.#onClose)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    // After a failure its error may still be coming.
    if (!this.#failure) this.#out.off('error', this.#onError)
  }

  #fail(reason: unknown): void {
    this.#failure ??= { reason }
    for (const reject of this.#pending) reject(this.#failure.reason)
    this.#pending.clear()
  }

  readonly #onClose = (): void =>
    this.#fail(new StorageError('IncompleteBody', { message: 'The reader went away before the end.' }))
  readonly #onError = (error: unknown): void => this.#fail(error)
  readonly #onAbort = (): void => this.#fail(this.#signal?.reason)
}
