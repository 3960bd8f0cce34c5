/** Clients that work concurrently on a few keys and record the responses. */
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { AwsClient } from 'aws4fetch'
import type { SeededRandom } from '../seeded-random.ts'
import { exchange, type Answer, type Exchange, type Request } from './exchange.ts'
import type { Running } from './history.ts'
import type { ObjectAction, Value } from './object-model.ts'
import type { Recorder } from './recorder.ts'
import type { Values } from './values.ts'

export type Endpoint = { url: string; bucket: string; keys: { accessKeyId: string; secretAccessKey: string } }

export type ObjectClientOptions = {
  id: number
  endpoint: Endpoint
  recorder: Recorder<ObjectAction>
  values: Values
  random: SeededRandom
  /** The keys of this round, all below one prefix. */
  keys: readonly string[]
  prefix: string
  /** Milliseconds for which it waits for an answer. */
  patience: number
}

type Ask = {
  method: string
  /** None: the bucket. */
  key?: string
  query?: Record<string, string>
  headers?: Record<string, string>
  body?: Buffer | string
}

export class ObjectClient {
  readonly #o: ObjectClientOptions
  readonly #aws: AwsClient
  readonly #agent: Agent
  /** What it last saw under each key, for If-Match. */
  readonly #seen = new Map<string, Value>()

  constructor(o: ObjectClientOptions) {
    this.#o = o
    this.#aws = new AwsClient({ ...o.endpoint.keys, service: 's3', region: 'us-east-1', retries: 0 })
    // With connections that are kept it stays with one worker, else it changes from one to the other.
    this.#agent = new Agent({ keepAlive: o.id % 2 === 0, maxSockets: 4 })
  }

  /** Works until `isOver`. */
  async work(isOver: () => boolean): Promise<void> {
    const mix: [number, () => Promise<void>][] = [
      [20, () => this.put()],
      [10, () => this.put('absent')],
      [10, () => this.putOverSeen()],
      [8, () => this.delete()],
      [4, () => this.deleteSeveral()],
      [24, () => this.get()],
      [6, () => this.head()],
      [10, () => this.list()],
      [8, () => this.multipart()],
    ]
    const turns = mix.flatMap(([times, turn]) => Array.from({ length: times }, () => turn))
    while (!isOver()) await this.#o.random.pick(turns)()
    this.#agent.destroy()
  }

  /** What is there at the end, of every key by every read. */
  async readAll(): Promise<void> {
    await this.list()
    for (const key of this.#o.keys) {
      await this.get(key)
      await this.head(key)
    }
    this.#agent.destroy()
  }

  async put(condition?: 'absent' | { is: Value }, key = this.#key()): Promise<void> {
    const { values } = this.#o
    const body = values.make()
    const action = { kind: 'put' as const, value: body.value, ...(condition && { condition }) }
    const headers =
      condition === undefined
        ? {}
        : condition === 'absent'
          ? { 'if-none-match': '*' }
          : { 'if-match': values.etagOf(condition.is) }
    await this.#change(
      key,
      action,
      { method: 'PUT', key, headers, body: body.bytes },
      ({ status, headers: answered }) => {
        if (status === 409) return { ...action, result: 'conflict' }
        if (condition !== undefined && status === 412) return { ...action, result: 'condition failed' }
        if (condition !== undefined && status === 404) return { ...action, result: 'no object' }
        if (status !== 200 || values.ofEtag(answered.etag) !== body.value) return null
        this.#seen.set(key, body.value)
        return { ...action, result: 'stored' }
      },
    )
  }

  async putOverSeen(): Promise<void> {
    const key = this.#key()
    const value = this.#seen.get(key)
    await (value === undefined ? this.get(key) : this.put({ is: value }, key))
  }

  async delete(key = this.#key()): Promise<void> {
    await this.#change(key, { kind: 'delete' }, { method: 'DELETE', key }, ({ status }) =>
      status === 204 ? { kind: 'delete', result: 'deleted' } : null,
    )
  }

  /** DeleteObjects: each key is a deletion of its own, at the same time. */
  async deleteSeveral(): Promise<void> {
    const { random, keys } = this.#o
    const chosen = keys.filter(() => random.int(1, 3) === 1)
    if (chosen.length === 0) return
    const list = chosen.map((key) => `<Object><Key>${key}</Key></Object>`).join('')
    const body = `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list}</Delete>`
    const running = chosen.map((key) => ({ key, operation: this.#begin(key, { kind: 'delete' }) }))
    const answer = await this.#ask({ method: 'POST', query: { delete: '' }, body })
    const text = typeof answer === 'string' ? '' : answer.body.toString()
    for (const { key, operation } of running) {
      const isDeleted = text.includes(`<Deleted><Key>${key}</Key>`)
      this.#o.recorder.settle(operation, answer, () => (isDeleted ? { kind: 'delete', result: 'deleted' } : 'unknown'))
    }
  }

  async get(key = this.#key()): Promise<void> {
    await this.#read(key, { kind: 'get' }, 'GET', ({ headers, body }) => this.#o.values.ofObject(headers.etag, body))
  }

  async head(key = this.#key()): Promise<void> {
    await this.#read(key, { kind: 'head' }, 'HEAD', ({ headers }) => this.#o.values.ofEtag(headers.etag))
  }

  /** A listing is a read of each key by itself, all at the same time: it promises no picture of one moment. */
  async list(): Promise<void> {
    const { keys, prefix, values, random } = this.#o
    const running = keys.map((key) => ({ key, operation: this.#begin(key, { kind: 'list' }) }))
    const query = random.int(1, 3) === 1 ? { prefix } : { 'list-type': '2', prefix }
    const answer = await this.#ask({ method: 'GET', query })
    const listed = new Map(
      typeof answer === 'string'
        ? []
        : [...answer.body.toString().matchAll(/<Contents>.*?<\/Contents>/gs)].map(([entry]) => [
            /<Key>([^<]*)</.exec(entry)?.[1] ?? '',
            values.ofEtag(/<ETag>([^<]*)</.exec(entry)?.[1]),
          ]),
    )
    for (const { key, operation } of running) {
      this.#o.recorder.settle(operation, answer, ({ status }) =>
        status === 200 ? { kind: 'list', result: listed.get(key) ?? null } : null,
      )
    }
  }

  /** Some uploads are completed by two at once, or aborted at the same time. */
  async multipart(): Promise<void> {
    const { values, random } = this.#o
    const key = this.#key()
    const { value, parts } = values.makeParted()
    const begun = await this.#ask({ method: 'POST', key, query: { uploads: '' } })
    if (typeof begun === 'string' || begun.status !== 200) return this.#o.recorder.protest(begun)
    const upload = /<UploadId>([^<]*)</.exec(begun.body.toString())?.[1] ?? ''
    const etags: string[] = []
    for (const [i, body] of parts.entries()) {
      const query = { partNumber: String(i + 1), uploadId: upload }
      const answer = await this.#ask({ method: 'PUT', key, query, body })
      if (typeof answer === 'string' || answer.status !== 200) return this.#o.recorder.protest(answer)
      etags.push(answer.headers.etag ?? '')
    }
    const complete = () => this.#complete(key, { upload, value, etags })
    const abort = () => this.#abort(key, upload)
    const ways: (() => Promise<void>)[][] = [
      [complete],
      [complete, complete],
      [complete, abort],
      [complete, complete, abort],
    ]
    await Promise.all(random.pick([ways[0]!, ...ways]).map((way) => way()))
  }

  async #complete(key: string, o: { upload: string; value: Value; etags: string[] }): Promise<void> {
    const list = o.etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`).join('')
    const body = `<CompleteMultipartUpload>${list}</CompleteMultipartUpload>`
    const action = { kind: 'complete' as const, upload: o.upload, value: o.value }
    const query = { uploadId: o.upload }
    await this.#change(key, action, { method: 'POST', key, query, body }, (answer) => {
      if (answer.status === 404) return { ...action, result: 'no such upload' }
      const etag = /<ETag>([^<]*)</.exec(answer.body.toString())?.[1]
      return answer.status === 200 && this.#o.values.ofEtag(etag) === o.value
        ? { ...action, result: 'completed' }
        : null
    })
  }

  async #abort(key: string, upload: string): Promise<void> {
    const action = { kind: 'abort' as const, upload }
    await this.#change(key, action, { method: 'DELETE', key, query: { uploadId: upload } }, ({ status }) => {
      if (status === 404) return { ...action, result: 'no such upload' }
      return status === 204 ? { ...action, result: 'aborted' } : null
    })
  }

  async #read(
    key: string,
    action: { kind: 'get' | 'head' },
    method: string,
    valueOf: (answer: Answer) => Value,
  ): Promise<void> {
    await this.#change(key, action, { method, key }, (answer) => {
      if (answer.status === 404) {
        this.#seen.delete(key)
        return { ...action, result: null }
      }
      if (answer.status !== 200) return null
      const value = valueOf(answer)
      this.#seen.set(key, value)
      return { ...action, result: value }
    })
  }

  /** `read` makes of an answer what was done; null where S3 has no such answer. */
  async #change(
    key: string,
    action: ObjectAction,
    request: Ask,
    read: (answer: Answer) => ObjectAction | null,
  ): Promise<void> {
    const running = this.#begin(key, action)
    this.#o.recorder.settle(running, await this.#ask(request), read)
  }

  #begin(key: string, action: ObjectAction): Running<ObjectAction> {
    return this.#o.recorder.history.begin(this.#o.id, key, action)
  }

  async #ask(o: Ask): Promise<Exchange> {
    const { endpoint, patience, random } = this.#o
    const url = new URL(`${endpoint.url}/${endpoint.bucket}${o.key === undefined ? '' : `/${o.key}`}`)
    for (const [name, value] of Object.entries(o.query ?? {})) url.searchParams.set(name, value)
    const signed = await this.#aws.sign(url.href, { method: o.method, aws: { signQuery: true } })
    const request: Request = { method: o.method, url: signed.url, ...(o.headers && { headers: o.headers }) }
    if (o.body !== undefined) request.body = o.body
    const answer = await exchange(request, { agent: this.#agent, timeout: patience })
    // Not as fast as the machine can while there is no server.
    if (typeof answer === 'string' || answer.status >= 500) await sleep(random.int(10, 100))
    return answer
  }

  #key(): string {
    return this.#o.random.pick(this.#o.keys)
  }
}
