/** The writes to the gateway's bucket that are running now, in this process and its peers. */
import { StorageError } from '../errors.ts'
import type { ObjectRef, WrittenObject } from './objects.ts'
import { question, type Peers } from './peers.ts'

/** Allows one write to replace another whose broken connection went unnoticed. More would let one URL fill the disk. */
const maxPerKey = 2

type Replacing = Pick<WrittenObject, 'replacedGone'>

export type RunningWrites = {
  /**
   * Runs a write of an object, or of one part if `partNumber` is given. Replaced bytes count as the write that replaced
   * them until they are deleted, so one process stores at most three times the granted bytes. Errors: TooManyRequests
   * if two writes of the same object or part already count.
   */
  run<T extends Replacing>(
    ref: ObjectRef,
    partNumber: number | null,
    write: (signal: AbortSignal) => Promise<T>,
  ): Promise<T>
  /** Aborts every write to this key, because its upload was deleted. */
  end(ref: ObjectRef): Promise<void>
}

const endWrites = question<string, boolean>('writes.end')

export function createRunningWrites(peers: Peers): RunningWrites {
  const counts = peers.counts('writes')
  const running = new Map<string, Map<AbortController, 'object' | 'part'>>()

  function abort(key: string): boolean {
    const message = 'The upload was deleted while its bytes were sent.'
    for (const [controller, what] of running.get(key) ?? []) {
      // A part fails as it would after the abort, so that the client starts the upload again.
      controller.abort(new StorageError(what === 'part' ? 'NoSuchUpload' : 'AccessDenied', { message }))
    }
    return true
  }
  peers.answer(endWrites, abort)

  return {
    async run({ bucket, key }, partNumber, write) {
      const name = `${bucket}/${key}`
      const slot = partNumber === null ? name : `${name}?partNumber=${partNumber}`
      if (counts.get(slot) >= maxPerKey) {
        throw new StorageError('TooManyRequests', {
          message:
            `${maxPerKey} writes of this ${partNumber === null ? 'object' : 'part'} are running, or the bytes that they ` +
            `replaced are still being read or backed up; ${maxPerKey} is the limit. Retry later.`,
          retryAfter: 1,
        })
      }
      const controller = new AbortController()
      const controllers = running.get(name) ?? new Map<AbortController, 'object' | 'part'>()
      running.set(name, controllers.set(controller, partNumber === null ? 'object' : 'part'))
      counts.add(slot, 1)
      let replacedGone: Promise<void> | undefined
      try {
        const written = await write(controller.signal)
        replacedGone = written.replacedGone
        return written
      } finally {
        if (replacedGone === undefined) counts.add(slot, -1)
        else void replacedGone.then(() => counts.add(slot, -1))
        controllers.delete(controller)
        if (controllers.size === 0 && running.get(name) === controllers) running.delete(name)
      }
    },

    async end({ bucket, key }) {
      const name = `${bucket}/${key}`
      abort(name)
      if (peers.count > 1) await peers.ask(endWrites, name)
    },
  }
}
