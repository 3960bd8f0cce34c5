/** The operations of an uploader on its own files, with the JSON API. */
import { expectParts, makeBody, makeParts, mebibyte } from './bodies.ts'
import { json, sha256 } from './caller.ts'
import type { AcknowledgedFile } from './acknowledged-changes.ts'
import { Violation } from './retrying-client.ts'
import { expectPromised, type WorkDeps } from './object-operations.ts'

/** Files that one uploader keeps; with more it deletes one. */
const maxFiles = 8

type Granted = { id: string; uploadUrl: string; headers: Record<string, string> }

export class FileOperations {
  readonly #o: WorkDeps
  #own: AcknowledgedFile[] = []
  /** Multipart uploads that went on after a restart with parts acknowledged before it. */
  continued = 0

  constructor(o: WorkDeps) {
    this.#o = o
  }

  small = (): Promise<void> => this.#put(this.#o.random.int(1, 16_384))
  large = (): Promise<void> => this.#put(mebibyte)

  async parts(): Promise<void> {
    const { caller, client, random } = this.#o
    const bodies = makeParts(random)
    const whole = Buffer.concat(bodies)
    const { id } = json<Granted>(await client.ask(caller.api('POST', '/files/multipart', wanted(whole)), [200]))
    const urls = await client.ask(caller.api('POST', `/files/multipart/${id}/parts`, { partNumbers: [1, 2] }), [200])
    const etags: string[] = []
    let life = 0
    for (const { partNumber, url } of json<{ parts: { partNumber: number; url: string }[] }>(urls).parts) {
      const answer = await client.ask({ method: 'PUT', url, body: bodies[partNumber - 1]! }, [200])
      etags.push(answer.headers.get('etag') ?? '')
      life ||= client.life
    }
    const listed = await client.ask(caller.api('GET', `/files/multipart/${id}/parts`), [200])
    expectParts(etags, listed.body.toString(), id)
    await this.#confirm(id, whole, () =>
      client.ask(caller.api('POST', `/files/multipart/${id}/complete`, {}), [200, 201]),
    )
    if (client.life !== life) this.continued++
  }

  async delete(): Promise<void> {
    const { caller, client, acknowledged, random } = this.#o
    if (this.#own.length === 0) return
    const file = random.pick(this.#own)
    file.promised.begin(null)
    acknowledged.noteChange(file.id)
    const answer = await client.ask(caller.api('DELETE', `/files/${file.id}`), [204, 404])
    if (answer.status === 404 && !answer.isRepeated) throw new Violation(`the file ${file.id} is gone`)
    file.promised.acknowledge()
    this.#own = this.#own.filter((own) => own !== file)
    acknowledged.noteChange(file.id)
  }

  async read(): Promise<void> {
    const { caller, client, random } = this.#o
    if (this.#own.length === 0) return
    const file = random.pick(this.#own)
    const issued = await client.ask(caller.api('GET', `/files/${file.id}/download-url`), [200])
    const { downloadUrl } = json<{ downloadUrl: string }>(issued)
    const { body } = await client.ask({ method: 'GET', url: downloadUrl }, [200])
    expectPromised(file.promised, sha256(body), `the file ${file.id}`)
  }

  async #put(size: number): Promise<void> {
    const { caller, client, random } = this.#o
    const body = makeBody(random, size)
    const { id, uploadUrl, headers } = json<Granted>(
      await client.ask(caller.api('POST', '/files/upload-url', wanted(body)), [200]),
    )
    await client.ask({ method: 'PUT', url: uploadUrl, headers, body }, [200])
    await this.#confirm(id, body, () => client.ask(caller.api('POST', '/files/confirm', { id }), [200, 201]))
  }

  /** Its bytes were acknowledged: whatever happened since, it can be confirmed. */
  async #confirm(id: string, body: Buffer, confirm: () => Promise<unknown>): Promise<void> {
    const { caller, acknowledged } = this.#o
    const file = acknowledged.file(id, caller.user)
    file.promised.begin(sha256(body))
    acknowledged.noteChange(id)
    await confirm()
    file.promised.acknowledge()
    acknowledged.noteChange(id)
    this.#own.push(file)
    if (this.#own.length > maxFiles) await this.delete()
  }
}

const wanted = ({ length }: Buffer): object => ({
  filename: 'a.bin',
  mimeType: 'application/octet-stream',
  size: length,
})
