import { Readable } from 'node:stream'

/** In chunks of odd length, as a network delivers it. */
export function bodyOf(data: Buffer | string, chunk = 61_441): Readable {
  const buffer = Buffer.from(data)
  return Readable.from(
    (function* () {
      for (let at = 0; at < buffer.length; at += chunk) yield buffer.subarray(at, at + chunk)
    })(),
    { objectMode: false },
  )
}
