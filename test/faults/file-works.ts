/** What an uploader does with files of its own, over the JSON API. */
import { expectParts, makeBody, makeParts, mebibyte } from './bodies.ts'
import { json, sha256 } from './caller.ts'
import type { LedgerFile } from './ledger.ts'
import { Violation } from './line.ts'
import { expectPromised, type WorkDeps } from './object-works.ts'

/** Files that one uploader keeps; with more it deletes one. */
const maxFiles = 8

type Granted = { id: string; uploadUrl: string; headers: Record<string, string> }

export class FileWorks {
  readonly #o: WorkDeps
  #own: LedgerFile[] = []
  /** Multipart uploads that went on after a restart with parts acknowledged before it. */
  continued = 0

  constructor(o: WorkDeps) {
    this.#o = o
  }

  small = (): Promise<void> => this.#put(this.#o.lot.int(1, 16_384))
  large = (): Promise<void> => this.#put(mebibyte)

  async parts(): Promise<void> {
    const { caller, line, lot } = this.#o
    const bodies = makeParts(lot)
    const whole = Buffer.concat(bodies)
    const { id } = json<Granted>(await line.ask(caller.api('POST', '/files/multipart', wanted(whole)), [200]))
    const urls = await line.ask(caller.api('POST', `/files/multipart/${id}/parts`, { partNumbers: [1, 2] }), [200])
    const etags: string[] = []
    let life = 0
    for (const { partNumber, url } of json<{ parts: { partNumber: number; url: string }[] }>(urls).parts) {
      const answer = await line.ask({ method: 'PUT', url, body: bodies[partNumber - 1]! }, [200])
      etags.push(answer.headers.get('etag') ?? '')
      life ||= line.life
    }
    const listed = await line.ask(caller.api('GET', `/files/multipart/${id}/parts`), [200])
    expectParts(etags, listed.body.toString(), id)
    await this.#confirm(id, whole, () =>
      line.ask(caller.api('POST', `/files/multipart/${id}/complete`, {}), [200, 201]),
    )
    if (line.life !== life) this.continued++
  }

  async delete(): Promise<void> {
    const { caller, line, ledger, lot } = this.#o
    if (this.#own.length === 0) return
    const file = lot.pick(this.#own)
    file.promised.begin(null)
    ledger.noteChange(file.id)
    const answer = await line.ask(caller.api('DELETE', `/files/${file.id}`), [204, 404])
    if (answer.status === 404 && !answer.isRepeated) throw new Violation(`the file ${file.id} is gone`)
    file.promised.acknowledge()
    this.#own = this.#own.filter((own) => own !== file)
    ledger.noteChange(file.id)
  }

  async read(): Promise<void> {
    const { caller, line, lot } = this.#o
    if (this.#own.length === 0) return
    const file = lot.pick(this.#own)
    const issued = await line.ask(caller.api('GET', `/files/${file.id}/download-url`), [200])
    const { downloadUrl } = json<{ downloadUrl: string }>(issued)
    const { body } = await line.ask({ method: 'GET', url: downloadUrl }, [200])
    expectPromised(file.promised, sha256(body), `the file ${file.id}`)
  }

  async #put(size: number): Promise<void> {
    const { caller, line, lot } = this.#o
    const body = makeBody(lot, size)
    const { id, uploadUrl, headers } = json<Granted>(
      await line.ask(caller.api('POST', '/files/upload-url', wanted(body)), [200]),
    )
    await line.ask({ method: 'PUT', url: uploadUrl, headers, body }, [200])
    await this.#confirm(id, body, () => line.ask(caller.api('POST', '/files/confirm', { id }), [200, 201]))
  }

  /** Its bytes were acknowledged: whatever happened since, it can be confirmed. */
  async #confirm(id: string, body: Buffer, confirm: () => Promise<unknown>): Promise<void> {
    const { caller, ledger } = this.#o
    const file = ledger.file(id, caller.user)
    file.promised.begin(sha256(body))
    ledger.noteChange(id)
    await confirm()
    file.promised.acknowledge()
    ledger.noteChange(id)
    this.#own.push(file)
    if (this.#own.length > maxFiles) await this.delete()
  }
}

const wanted = ({ length }: Buffer): object => ({
  filename: 'a.bin',
  mimeType: 'application/octet-stream',
  size: length,
})
