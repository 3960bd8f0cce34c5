/** The bodies of a run. Each is written only once, so its ETag identifies it. */
import { createHash, randomBytes } from 'node:crypto'
import type { SeededRandom } from '../seeded-random.ts'
import type { Value } from './object-model.ts'

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex')
const noise = randomBytes(6 << 20)
const smallestPart = 5 << 20

export type Body = { value: Value; bytes: Buffer; etag: string }
export type PartedBody = Body & { parts: Buffer[] }

export class Values {
  #made = 0
  #byEtag = new Map<string, Body>()
  readonly #random: SeededRandom

  constructor(random: SeededRandom) {
    this.#random = random
  }

  make(): Body {
    const bytes = this.#bytes()
    return this.#add({ bytes, etag: md5(bytes) })
  }

  /** Of one part or, rarely, two. */
  makeParted(): PartedBody {
    const parts = [this.#bytes()]
    if (this.#random.int(1, 10) === 1) parts.unshift(this.#bytes(smallestPart))
    const etag = `${md5(Buffer.concat(parts.map((part) => Buffer.from(md5(part), 'hex'))))}-${parts.length}`
    return { ...this.#add({ bytes: Buffer.concat(parts), etag }), parts }
  }

  /** The value whose ETag this is. One that nobody wrote is a value too: the check refuses it. */
  ofEtag(etag: string | undefined): Value {
    const bare = (etag ?? '').replaceAll(/"|&quot;/g, '')
    return this.#byEtag.get(bare)?.value ?? `unknown ETag ${bare}`
  }

  etagOf(value: Value): string {
    const [etag] = [...this.#byEtag].find(([, body]) => body.value === value) ?? []
    return `"${etag}"`
  }

  /** The value that was read: ETag and bytes must be of one body. */
  ofObject(etag: string | undefined, bytes: Buffer): Value {
    const value = this.ofEtag(etag)
    const body = this.#byEtag.get((etag ?? '').replaceAll('"', ''))
    if (body && !body.bytes.equals(bytes)) return `other bytes under the ETag of ${value}`
    return value
  }

  #add(body: { bytes: Buffer; etag: string }): Body {
    const added = { ...body, value: `v${this.#made}` }
    this.#byEtag.set(body.etag, added)
    return added
  }

  #bytes(size = this.#random.pick([0, 100, 4000, 4000, 70_000, 300_000, 1_100_000])): Buffer {
    const start = this.#random.int(0, noise.length - smallestPart)
    return Buffer.concat([Buffer.from(`${++this.#made}\n`), noise.subarray(start, start + size)])
  }
}
