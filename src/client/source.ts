/** The bytes of one upload, held so that a file that changes on disk fails instead of being sent half old, half new. */
import { UploadError } from './upload-error.ts'

const sampleBytes = 64 * 1024

export class Source {
  readonly size: number
  readonly name: string
  readonly type: string
  readonly isFile: boolean
  /** Only a slice is bound to the state in which the file was; everything is read through this one. */
  readonly #blob: Blob
  readonly #lastModified: number

  constructor(file: File | Blob, o: { filename?: string; mimeType?: string } = {}) {
    const named = file as Partial<File>
    this.size = file.size
    this.isFile = named.lastModified !== undefined
    this.name = o.filename ?? named.name ?? 'blob'
    this.type = o.mimeType ?? file.type
    this.#lastModified = named.lastModified ?? 0
    this.#blob = file.slice(0, file.size)
  }

  slice(start: number, end: number): Blob {
    return this.#blob.slice(start, end)
  }

  /** Throws `file-changed` when the bytes cannot be read any more. */
  async check(): Promise<void> {
    if (this.size > 0) await read(this.slice(0, 1))
  }

  /** Tells this file from others of its name: by size, date, and samples of its bytes. */
  async fingerprint(): Promise<string> {
    const { size } = this
    const middle = Math.floor(size / 2)
    const starts = [0, middle, Math.max(0, size - sampleBytes)]
    let high = 0x811c9dc5
    let low = 0xcbf29ce4
    for (const start of starts) {
      for (const byte of new Uint8Array(await read(this.slice(start, Math.min(size, start + sampleBytes))))) {
        high = Math.imul(high ^ byte, 0x01000193)
        low = Math.imul(low ^ byte ^ (high >>> 15), 0x5bd1e995)
      }
    }
    const digest = (high >>> 0).toString(36) + (low >>> 0).toString(36)
    return [this.name, this.type, size, this.#lastModified, digest].join('|')
  }
}

export const fileChanged = (cause?: unknown): UploadError =>
  new UploadError('file-changed', 'The file was changed, moved or deleted while it was read. Choose it again.', {
    cause,
  })

async function read(blob: Blob): Promise<ArrayBuffer> {
  try {
    return await blob.arrayBuffer()
  } catch (cause) {
    throw fileChanged(cause)
  }
}
