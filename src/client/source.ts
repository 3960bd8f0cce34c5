/** The bytes of one upload. If the file changes on disk, reading fails instead of mixing old and new bytes. */
import { UploadError } from './upload-error.ts'

/** Number of samples, spread evenly over the file. Small files are read whole. */
const samples = 16
const sampleBytes = 4096
/** Milliseconds before a failed read is retried. Reads also fail while the page is being closed. */
const rereadDelayMs = 500

export class Source {
  readonly size: number
  readonly name: string
  readonly type: string
  readonly isFile: boolean
  /** For a Blob that is not a File, `lastModified` is undefined. */
  readonly #file: File
  /** Chromium and WebKit bind a slice to the file's state when it is created, so all reads use this slice. */
  readonly #blob: Blob
  #fingerprint: string | undefined

  constructor(file: File | Blob, o: { filename?: string; mimeType?: string } = {}) {
    const named = (this.#file = file as File)
    this.size = file.size
    this.isFile = named.lastModified !== undefined
    this.name = o.filename ?? named.name ?? 'blob'
    this.type = o.mimeType ?? file.type
    this.#blob = file.slice(0, file.size)
  }

  slice(start: number, end: number): Blob {
    return this.#blob.slice(start, end)
  }

  /**
   * Throws `file-changed` if the file differs from the first call. Firefox keeps the size and date of a File and
   * reads whatever is on disk, so samples of the bytes are compared too. Returns a fingerprint of the file.
   */
  async check(): Promise<string> {
    const { name, type, size } = this
    const step = Math.max(sampleBytes, Math.ceil((size - sampleBytes) / (samples - 1)))
    const slices: Blob[] = []
    for (let at = 0; at < size; at += step) slices.push(this.slice(at, at + sampleBytes))
    // FNV-1a. Firefox returns fewer bytes if the file became shorter.
    let hash = 0x811c9dc5
    for (const byte of new Uint8Array(await read(new Blob(slices)))) hash = Math.imul(hash ^ byte, 0x01000193)
    const fingerprint = [name, type, this.#file.size, this.#file.lastModified, hash].join('|')
    if (fingerprint !== (this.#fingerprint ??= fingerprint)) throw fileChanged()
    return fingerprint
  }
}

export const fileChanged = (cause?: unknown): UploadError =>
  new UploadError('file-changed', 'The file was changed, moved or deleted during the upload. Choose it again.', {
    cause,
  })

const read = (blob: Blob): Promise<ArrayBuffer> =>
  blob
    .arrayBuffer()
    .catch(async () => {
      await new Promise((resolve) => setTimeout(resolve, rereadDelayMs))
      return blob.arrayBuffer()
    })
    .catch((cause: unknown) => {
      throw fileChanged(cause)
    })
