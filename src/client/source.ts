/** The bytes of one upload, held so that a file that changes on disk fails instead of being sent half old, half new. */
import { UploadError } from './upload-error.ts'

/** Spread evenly over the file, from its first bytes to its last. Small files are read whole. */
const samples = 16
const sampleBytes = 4096
/** Milliseconds. A page that is being left cannot read either, and is gone by then. */
const readAgainAfter = 500

export class Source {
  readonly size: number
  readonly name: string
  readonly type: string
  readonly isFile: boolean
  /** Of a Blob that is no File, `lastModified` is undefined. */
  readonly #file: File
  /** Chromium and WebKit bind a slice to the state of the file when it was made; everything is read through this one. */
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
   * Throws `file-changed` when the file is not what it was at the first call. Firefox keeps size and date of a File and
   * reads whatever is on disk, so samples of the bytes are compared too. Returns what tells this file from others of its
   * name.
   */
  async check(): Promise<string> {
    const { name, type, size } = this
    const step = Math.max(sampleBytes, Math.ceil((size - sampleBytes) / (samples - 1)))
    const slices: Blob[] = []
    for (let at = 0; at < size; at += step) slices.push(this.slice(at, at + sampleBytes))
    // FNV-1a. Firefox reads fewer bytes when the file has become shorter.
    let hash = 0x811c9dc5
    for (const byte of new Uint8Array(await read(new Blob(slices)))) hash = Math.imul(hash ^ byte, 0x01000193)
    const fingerprint = [name, type, this.#file.size, this.#file.lastModified, hash].join('|')
    if (fingerprint !== (this.#fingerprint ??= fingerprint)) throw fileChanged()
    return fingerprint
  }
}

export const fileChanged = (cause?: unknown): UploadError =>
  new UploadError('file-changed', 'The file was changed, moved or deleted while it was read. Choose it again.', {
    cause,
  })

const read = (blob: Blob): Promise<ArrayBuffer> =>
  blob
    .arrayBuffer()
    .catch(async () => {
      await new Promise((resolve) => setTimeout(resolve, readAgainAfter))
      return blob.arrayBuffer()
    })
    .catch((cause: unknown) => {
      throw fileChanged(cause)
    })
