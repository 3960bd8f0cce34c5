/** The thread of hash-thread.ts. Hashes several bodies concurrently, each in order. */
import { parentPort } from 'node:worker_threads'
import { startDigests, type RunningDigests } from './digests.ts'
import type { ToMain, ToWorker } from './hash-thread.ts'

const running = new Map<number, RunningDigests>()
const port = parentPort!
const answer = (message: ToMain): void => port.postMessage(message)

port.on('message', (message: ToWorker) => {
  const { body } = message
  switch (message.kind) {
    case 'begin':
      running.set(body, startDigests(message.want))
      break
    case 'data':
      running.get(body)?.update(new Uint8Array(message.memory, 0, message.length))
      answer({ kind: 'hashed', body })
      break
    case 'end':
      answer({ kind: 'digests', body, digests: running.get(body)!.finish() })
      running.delete(body)
      break
    case 'drop':
      running.delete(body)
      break
  }
})
