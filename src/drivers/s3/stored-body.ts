/** The bytes of a GetObject answer, written or streamed, and never mistaken for whole when they are not. */
import { Transform, type Readable, type Writable } from 'node:stream'
import type { ObjectRef, StoredObject } from '../driver.ts'
import { StorageError } from '../../errors.ts'
import { mapAwsError } from './aws-error.ts'
import { resourceOf } from '../rules.ts'

/** `expected`: the bytes that were announced. */
export function storedBody(
  body: Readable,
  expected: number,
  ref: ObjectRef,
): Pick<StoredObject, 'sendTo' | 'stream' | 'close'> {
  // Until somebody reads it, a connection that breaks must not end the process.
  body.on('error', () => {})
  return {
    async sendTo(out, signal) {
      let sent = 0
      const giveUp = () => void body.destroy(signal?.reason ?? new Error('The reader has gone'))
      signal?.addEventListener('abort', giveUp)
      out.once('close', giveUp)
      try {
        signal?.throwIfAborted()
        for await (const chunk of body as AsyncIterable<Buffer>) {
          sent += chunk.length
          if (!out.write(chunk)) await drained(out, body)
        }
      } catch (cause) {
        body.destroy()
        throw signal?.aborted || out.destroyed ? cause : mapAwsError('getObject', ref, cause)
      } finally {
        signal?.removeEventListener('abort', giveUp)
        out.off('close', giveUp)
      }
      if (sent !== expected) throw truncated(ref)
    },
    stream: () => wholeOrError(body, expected, ref),
    async close() {
      body.destroy()
    },
  }
}

/** Until `out` takes more, or one of the two is gone: the loop's next step then finds out. */
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

function wholeOrError(body: Readable, expected: number, ref: ObjectRef): Readable {
  let sent = 0
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sent += chunk.length
      done(null, chunk)
    },
    flush: (done) => done(sent === expected ? null : truncated(ref)),
  })
  body.once('error', (cause) => counted.destroy(mapAwsError('getObject', ref, cause)))
  counted.once('close', () => body.destroy())
  return body.pipe(counted)
}

const truncated = (ref: ObjectRef): StorageError =>
  new StorageError('Unavailable', { message: 'The bucket broke off its answer', resource: resourceOf(ref) })
