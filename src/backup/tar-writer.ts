/** Writes the entries of a tar in order, and knows their offsets, so that an entry can be read without reading the whole file. */
import { pack, type Pack } from 'tar-stream'
import { blockSize } from './format.ts'

export type Entry = { write(bytes: Buffer): Promise<void> }

export class TarWriter {
  readonly #pack: Pack = pack()
  readonly #written: Promise<void>
  #offset = 0
  #failure: { cause: unknown } | null = null

  /** `output` writes the bytes of the archive, one call at a time. */
  constructor(output: (bytes: Buffer) => Promise<void>) {
    this.#written = this.#forward(output)
    this.#written.catch(() => {})
  }

  /** The offset of the next entry's content. */
  get nextContent(): number {
    return this.#offset + blockSize
  }

  /** `fill` writes exactly `size` bytes. */
  async add(
    name: string,
    o: { size: number; mode: number; at: Date },
    fill: (entry: Entry) => Promise<void>,
  ): Promise<void> {
    const ended = Promise.withResolvers<void>()
    ended.promise.catch(() => {})
    const header = { name, size: o.size, mode: o.mode, mtime: o.at, type: 'file' as const, uid: 0, gid: 0 }
    const sink = this.#pack.entry(header, (error) => (error ? ended.reject(error) : ended.resolve()))
    sink.on('error', (error: unknown) => ended.reject(error))
    await fill({
      write: async (bytes) => {
        if (this.#failure) throw this.#failure.cause
        if (sink.write(bytes)) return
        await Promise.race([
          new Promise<void>((resolve) => void sink.once('drain', resolve)),
          ended.promise,
          this.#written,
        ])
      },
    })
    sink.end(undefined)
    await Promise.race([ended.promise, this.#written])
    if (this.#failure) throw this.#failure.cause
    this.#offset += blockSize + Math.ceil(o.size / blockSize) * blockSize
  }

  addText(name: string, text: string, o: { mode: number; at: Date }): Promise<void> {
    const bytes = Buffer.from(text)
    return this.add(name, { ...o, size: bytes.length }, (entry) => entry.write(bytes))
  }

  async finish(): Promise<void> {
    this.#pack.finalize()
    await this.#written
  }

  abort(): void {
    this.#pack.destroy(new Error('The archive was aborted'))
  }

  async #forward(output: (bytes: Buffer) => Promise<void>): Promise<void> {
    try {
      for await (const chunk of this.#pack as AsyncIterable<Buffer>) await output(chunk)
    } catch (cause) {
      this.#failure = { cause }
      this.abort()
      throw cause
    }
  }
}
