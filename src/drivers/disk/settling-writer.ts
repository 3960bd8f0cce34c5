/** Writes to a stream that may close at any time. Every write settles, even if the stream never calls its callback. */
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

  /** Resolves when the stream does not need the chunk any more. */
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
    // The caller still gets the error. Until it awaits the write, the rejection must not count as unhandled.
    written.catch(() => {})
    return written
  }

  /** Throws if the stream has closed, failed or been aborted. */
  assertOpen(): void {
    if (this.#failure) throw this.#failure.reason
  }

  detach(): void {
    this.#out.off('close', this.#onClose)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    // After a failure, the error event may still follow.
    if (!this.#failure) this.#out.off('error', this.#onError)
  }

  #fail(reason: unknown): void {
    this.#failure ??= { reason }
    for (const reject of this.#pending) reject(this.#failure.reason)
    this.#pending.clear()
  }

  readonly #onClose = (): void =>
    this.#fail(new StorageError('IncompleteBody', { message: 'The reader closed the connection before the end.' }))
  readonly #onError = (error: unknown): void => this.#fail(error)
  readonly #onAbort = (): void => this.#fail(this.#signal?.reason)
}
