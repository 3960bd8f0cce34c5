/** The operations of an uploader on its own objects, with S3. */
import { expectParts, makeBody, makeParts, mebibyte } from './bodies.ts'
import { sha256, xmlText, type Caller } from './caller.ts'
import type { AcknowledgedChanges, Promised } from './acknowledged-changes.ts'
import { Violation, type RetryingClient } from './retrying-client.ts'
import type { SeededRandom } from './seeded-random.ts'

export type WorkDeps = {
  caller: Caller
  client: RetryingClient
  acknowledged: AcknowledgedChanges
  random: SeededRandom
}

/** Keys of each size that one uploader writes to: what it stores stays bounded. */
const keys = { small: 8, large: 3, parts: 1 }

export class ObjectOperations {
  readonly #o: WorkDeps
  readonly #own = new Set<string>()
  /** Multipart uploads that went on after a restart with parts acknowledged before it. */
  continued = 0

  constructor(o: WorkDeps) {
    this.#o = o
  }

  small = (): Promise<void> => this.#put(this.#key('small'), this.#o.random.int(0, 16_384))
  large = (): Promise<void> => this.#put(this.#key('large'), mebibyte)

  async parts(): Promise<void> {
    const { caller, client, random } = this.#o
    const key = this.#key('parts')
    const bodies = makeParts(random)
    const begun = await client.ask(await caller.s3('POST', key, { query: { uploads: '' } }), [200])
    const uploadId = xmlText(begun, 'UploadId')
    const etags: string[] = []
    let lives = 0
    for (const [i, body] of bodies.entries()) {
      const query = { partNumber: String(i + 1), uploadId }
      const answer = await client.ask(await caller.s3('PUT', key, { query, body }), [200])
      etags.push(answer.headers.get('etag') ?? '')
      lives ||= client.life
    }
    const listed = await client.ask(await caller.s3('GET', key, { query: { uploadId } }), [200])
    expectParts(etags, listed.body.toString(), key)
    const list = etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`).join('')
    const body = `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`
    await this.#change(key, sha256(Buffer.concat(bodies)), async () => {
      xmlText(await client.ask(await caller.s3('POST', key, { query: { uploadId }, body }), [200]), 'ETag')
    })
    if (client.life !== lives) this.continued++
  }

  async delete(): Promise<void> {
    const { caller, client } = this.#o
    const key = this.#any()
    if (key === undefined) return
    await this.#change(key, null, async () => {
      await client.ask(await caller.s3('DELETE', key), [204])
    })
  }

  async read(): Promise<void> {
    const { caller, client, acknowledged } = this.#o
    const key = this.#any()
    if (key === undefined) return
    const { status, body } = await client.ask(await caller.s3('GET', key), [200, 404])
    expectPromised(acknowledged.object(key), status === 200 ? sha256(body) : null, key)
  }

  async #put(key: string, size: number): Promise<void> {
    const { caller, client, random } = this.#o
    const body = makeBody(random, size)
    await this.#change(key, sha256(body), async () => {
      await client.ask(await caller.s3('PUT', key, { body }), [200])
    })
  }

  async #change(key: string, to: string | null, make: () => Promise<void>): Promise<void> {
    const { acknowledged } = this.#o
    const promised = acknowledged.object(key)
    this.#own.add(key)
    promised.begin(to)
    acknowledged.noteChange(key)
    await make()
    promised.acknowledge()
    acknowledged.noteChange(key)
  }

  #key(kind: keyof typeof keys): string {
    return `${this.#o.caller.user}/${kind}-${this.#o.random.int(1, keys[kind])}`
  }

  #any(): string | undefined {
    return this.#own.size === 0 ? undefined : this.#o.random.pick([...this.#own])
  }
}

export function expectPromised(promised: Promised, served: string | null, name: string): void {
  if (promised.allows(served)) return
  const was = promised.settled === null ? 'deleted' : `stored with ${promised.settled}`
  throw new Violation(`${name} was ${was}, and is ${served === null ? 'not there' : `there with ${served}`}`)
}
