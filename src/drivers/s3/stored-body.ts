/** Writes or streams the bytes of a GetObject response. Fails if they are incomplete or damaged. */
import { Transform, type Readable, type Writable } from 'node:stream'
import type { Checksum, ObjectRef, StoredObject } from '../driver.ts'
import { StorageError } from '../../errors.ts'
import { startChecksum } from '../checksums/checksum.ts'
import { mapAwsError } from './aws-error.ts'
import { watchStall } from './timeouts.ts'
import { resourceOf } from '../rules.ts'

/** The declared length, and the checksum if the store returned one. */
export type Announced = { contentLength: number; checksum?: Checksum }

export function storedBody(
  body: Readable,
  announced: Announced,
  /** `stall`: milliseconds without bytes from the bucket while the reader waits. */
  { ref, stall }: { ref: ObjectRef; stall: number },
): Pick<StoredObject, 'sendTo' | 'stream' | 'close'> {
  // Until the body is read, a broken connection must not end the process.
  body.on('error', () => {})
  return {
    async sendTo(out, signal) {
      const gate = new Gate(announced, ref)
      const giveUp = () => void body.destroy(signal?.reason ?? new Error('The reader closed the connection'))
      let isWaiting = true
      const watch = watchStall(stall, { isWaiting: () => isWaiting, moved: () => gate.bytes }, (silence) =>
        body.destroy(silence),
      )
      signal?.addEventListener('abort', giveUp)
      out.once('close', giveUp)
      try {
        signal?.throwIfAborted()
        for await (const chunk of body as AsyncIterable<Buffer>) {
          isWaiting = false
          const free = gate.pass(chunk)
          if (free && !out.write(free)) await drained(out, body)
          isWaiting = true
        }
      } catch (cause) {
        body.destroy()
        throw signal?.aborted || out.destroyed ? cause : mapAwsError('getObject', ref, cause)
      } finally {
        watch.stop()
        signal?.removeEventListener('abort', giveUp)
        out.off('close', giveUp)
      }
      const rest = gate.end()
      if (rest) out.write(rest)
    },
    stream: () => wholeOrError(body, announced, { ref, stall }),
    async close() {
      body.destroy()
    },
  }
}

/** Counts and hashes the bytes. With a checksum, the last chunk is held back until everything is verified. */
class Gate {
  readonly #announced: Announced
  readonly #ref: ObjectRef
  readonly #hash
  #held: Buffer | null = null
  #bytes = 0

  constructor(announced: Announced, ref: ObjectRef) {
    this.#announced = announced
    this.#ref = ref
    this.#hash = announced.checksum && startChecksum(announced.checksum.algorithm)
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Returns the bytes to send now. */
  pass(chunk: Buffer): Buffer | null {
    this.#bytes += chunk.length
    if (!this.#hash) return chunk
    this.#hash.update(chunk)
    const free = this.#held
    this.#held = chunk
    return free
  }

  /**
   * Returns the remaining bytes. Errors: Unavailable if bytes are missing, Corrupt if they differ from the stored ones.
   */
  end(): Buffer | null {
    const { contentLength, checksum } = this.#announced
    const resource = resourceOf(this.#ref)
    if (this.#bytes !== contentLength) {
      throw new StorageError('Unavailable', { message: 'The bucket ended its response early.', resource })
    }
    if (this.#hash && this.#hash.digest().toString('base64') !== checksum?.value) {
      throw new StorageError('Corrupt', { message: 'The bytes do not match the checksum of the object.', resource })
    }
    return this.#held
  }
}

/** Resolves when `out` drains or one of the two closes. The next step of the loop detects which. */
function drained(out: Writable, body: Readable): Promise<void> {
  if (out.destroyed || body.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      out.off('drain', done).off('close', done)
      body.off('close', done)
      resolve()
    }
    out.once('drain', done).once('close', done)
    body.once('close', done)
  })
}

function wholeOrError(
  body: Readable,
  announced: Announced,
  { ref, stall }: { ref: ObjectRef; stall: number },
): Readable {
  const gate = new Gate(announced, ref)
  // The pipe pauses the body while the reader does not read.
  const watch = watchStall(stall, { isWaiting: () => !body.isPaused(), moved: () => gate.bytes }, (silence) =>
    body.destroy(silence),
  )
  const checked = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, gate.pass(chunk))
    },
    flush(done) {
      try {
        done(null, gate.end())
      } catch (error) {
        done(error as Error)
      }
    },
  })
  body.once('error', (cause) => checked.destroy(mapAwsError('getObject', ref, cause)))
  checked.once('close', () => {
    watch.stop()
    body.destroy()
  })
  return body.pipe(checked)
}
