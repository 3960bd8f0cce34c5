/**
 * Users who upload, read, list and delete concurrently, and retry temporary failures like real clients. Each records
 * its responses, so that a test can compare them with the final state.
 */
import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Json } from '../api/caller.ts'
import { signToken } from '../fixtures/gateway.ts'

export type Counts = {
  stored: number
  read: number
  listed: number
  deleted: number
  abandoned: number
  /** By what was in the way: a status, or the code of the failed connection. */
  retries: Record<string, number>
}

/** An API of several instances behind one name: the next one is asked where one does not answer. */
export type Balancer = { urls: string[] }

const maxTries = 10
const mayPass = (status: number): boolean => status === 408 || status === 429 || status >= 500

export class User {
  readonly name: string
  readonly files = new Map<string, { hash: string; size: number }>()
  readonly errors: string[] = []
  readonly #balancer: Balancer
  readonly #counts: Counts
  #authorization = ''
  #turn = 0

  constructor(name: string, balancer: Balancer, counts: Counts) {
    this.name = name
    this.#balancer = balancer
    this.#counts = counts
  }

  async run(until: AbortSignal): Promise<void> {
    this.#authorization = `Bearer ${await signToken(this.name)}`
    while (!until.aborted) {
      const dice = Math.random()
      try {
        if (dice < 0.45) await this.store(1 + Math.floor(Math.random() * 60_000))
        else if (dice < 0.75) await this.readOne()
        else if (dice < 0.85) await this.list()
        else if (dice < 0.95) await this.deleteOne()
        else await this.abandon()
      } catch (error) {
        this.errors.push(`${this.name}: ${String(error)}`)
      }
      await sleep(5)
    }
  }

  async store(size: number): Promise<void> {
    const bytes = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), randomBytes(size)])
    const hash = createHash('sha256').update(bytes).digest('hex')
    const issued = await this.#api('POST', '/files/upload-url', {
      filename: `${hash}.bin`,
      mimeType: 'application/zip',
      size: bytes.length,
    })
    await this.#try(async () => {
      const { status } = await fetch(issued.uploadUrl, { method: 'PUT', headers: issued.headers, body: bytes })
      // The answer to an attempt before was lost, not its bytes.
      return { status: status === 412 ? 200 : status }
    }, 'PUT of the bytes')
    await this.#api('POST', '/files/confirm', { id: issued.id })
    this.files.set(issued.id, { hash, size: bytes.length })
    this.#counts.stored++
  }

  async readOne(): Promise<void> {
    const ids = [...this.files.keys()]
    const id = ids[Math.floor(Math.random() * ids.length)]
    if (id !== undefined) await this.check(id)
  }

  /** Throws unless the bytes are those that were stored. */
  async check(id: string): Promise<void> {
    const { downloadUrl } = await this.#api('GET', `/files/${id}/download-url`)
    let bytes = Buffer.alloc(0)
    await this.#try(async () => {
      const response = await fetch(downloadUrl)
      bytes = Buffer.from(await response.arrayBuffer())
      return { status: response.status }
    }, 'GET of the bytes')
    const hash = createHash('sha256').update(bytes).digest('hex')
    if (hash !== this.files.get(id)?.hash) throw new Error(`file ${id} holds other bytes than were stored`)
    this.#counts.read++
  }

  /** All pages. */
  async list(): Promise<Json['files']> {
    const files: Json['files'] = []
    let cursor: string | null = null
    do {
      const page: Json = await this.#api('GET', `/files?limit=100${cursor === null ? '' : `&cursor=${cursor}`}`)
      files.push(...page.files)
      cursor = page.nextCursor
    } while (cursor !== null)
    this.#counts.listed++
    return files
  }

  usage = (): Promise<Json> => this.#api('GET', '/files/usage')

  async deleteOne(): Promise<void> {
    const id = this.files.keys().next().value
    if (id === undefined) return
    // Gone already: the answer to an attempt before was lost.
    await this.#api('DELETE', `/files/${id}`, undefined, [404])
    this.files.delete(id)
    this.#counts.deleted++
  }

  async abandon(): Promise<void> {
    await this.#api('POST', '/files/upload-url', { filename: 'never.txt', mimeType: 'text/plain', size: 10 })
    this.#counts.abandoned++
  }

  async #api(method: string, path: string, body?: object, alsoFine: number[] = []): Promise<Json> {
    let json = {} as Json
    await this.#try(async () => {
      const { urls } = this.#balancer
      const response = await fetch(urls[this.#turn++ % urls.length]! + path, {
        method,
        headers: { authorization: this.#authorization, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(20_000),
      })
      const text = await response.text()
      if (response.headers.get('content-type')?.includes('json')) json = JSON.parse(text) as Json
      return { status: alsoFine.includes(response.status) ? 200 : response.status, detail: text }
    }, `${method} ${path}`)
    return json
  }

  async #try(attempt: () => Promise<{ status: number; detail?: string }>, what: string): Promise<void> {
    let last = ''
    let reason = ''
    for (let tried = 0; tried < maxTries; tried++) {
      try {
        const { status, detail } = await attempt()
        if (status < 300) return
        last = `${status} ${detail ?? ''}`
        reason = String(status)
        if (!mayPass(status)) break
      } catch (error) {
        const cause = ((error as Error).cause ?? error) as Error & { code?: string }
        last = String(cause)
        reason = cause.code ?? cause.name
      }
      const { retries } = this.#counts
      retries[reason] = (retries[reason] ?? 0) + 1
      await sleep(Math.min(50 * 2 ** tried, 2000) * (0.5 + Math.random()))
    }
    throw new Error(`${what}: ${last}`)
  }
}
