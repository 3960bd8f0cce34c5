/** Random bodies to upload, each different. Generating them costs little CPU. */
import { randomBytes } from 'node:crypto'
import { Violation } from './retrying-client.ts'
import type { SeededRandom } from './seeded-random.ts'

export const mebibyte = 1 << 20
/** S3's smallest part that is not the last. */
export const partSize = 5 * mebibyte

const noise = randomBytes(8 * mebibyte)
let made = 0

export function makeBody(random: SeededRandom, size: number): Buffer {
  const start = random.int(0, noise.length - partSize)
  const body = Buffer.from(noise.subarray(start, start + size))
  if (size >= 8) body.writeDoubleLE(++made)
  return body
}

/** Of a multipart upload: two parts. */
export const makeParts = (random: SeededRandom): Buffer[] => [
  makeBody(random, partSize),
  makeBody(random, random.int(1, 65_536)),
]

/** Throws Violation unless the listing, XML or JSON, has every acknowledged part. */
export function expectParts(etags: readonly string[], listing: string, name: string): void {
  const lost = etags.filter((etag) => !listing.includes(etag.replaceAll('"', '')))
  if (lost.length > 0) throw new Violation(`${name}: ${lost.length} acknowledged parts are not listed`)
}
