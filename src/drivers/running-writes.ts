/** The writes to the gateway's bucket that are running now, in this process and its peers. */
import { StorageError } from '../errors.ts'
import type { ObjectRef } from './objects.ts'
import type { Peers } from './peers.ts'

/** A second write replaces one whose connection broke unnoticed. More would let one URL fill the disk. */
const maxPerKey = 2

export type RunningWrites = {
  /**
   * Runs a write, of one part where `partNumber` is given. Errors: TooManyRequests where two writes of the same object or
   * part are running.
   */
  run<T>(ref: ObjectRef, partNumber: number | null, write: (signal: AbortSignal) => Promise<T>): Promise<T>
  /** Aborts every write to this key, because its upload was deleted. */
  end(ref: ObjectRef): Promise<void>
}

const question = 'writes.end'

export function createRunningWrites(peers: Peers): RunningWrites {
  const counts = peers.counts('writes')
  const running = new Map<string, Map<AbortController, 'object' | 'part'>>()

  function abort(key: string): boolean {
    const message = 'The upload was deleted while its bytes were sent.'
    for (const [controller, what] of running.get(key) ?? []) {
      // A part is answered as it would be after the abort, so that a client begins the upload again.
      controller.abort(new StorageError(what === 'part' ? 'NoSuchUpload' : 'AccessDenied', { message }))
    }
    return true
  }
  peers.answer(question, abort)

  return {
    async run({ bucket, key }, partNumber, write) {
      const name = `${bucket}/${key}`
      const slot = partNumber === null ? name : `${name}?partNumber=${partNumber}`
      if (counts.get(slot) >= maxPerKey) {
        throw new StorageError('TooManyRequests', {
          message: `${maxPerKey} writes of this ${partNumber === null ? 'object' : 'part'} are running already; ${maxPerKey} is the limit. Wait for one to end.`,
          retryAfter: 1,
        })
      }
      const controller = new AbortController()
      const controllers = running.get(name) ?? new Map<AbortController, 'object' | 'part'>()
      running.set(name, controllers.set(controller, partNumber === null ? 'object' : 'part'))
      counts.add(slot, 1)
      try {
        return await write(controller.signal)
      } finally {
        counts.add(slot, -1)
        controllers.delete(controller)
        if (controllers.size === 0 && running.get(name) === controllers) running.delete(name)
      }
    },

    async end({ bucket, key }) {
      const name = `${bucket}/${key}`
      abort(name)
      if (peers.count > 1) await peers.ask(question, name)
    },
  }
}
