/** Clients of the JSON API. All clients of a round are the same user, and work on the same files. */
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '../seeded-random.ts'
import { exchange, type Answer, type Exchange } from './exchange.ts'
import type { FileAction, FileState } from './file-model.ts'
import type { Recorder } from './recorder.ts'

export type FileClientOptions = {
  id: number
  api: string
  /** A bearer token. */
  token: string
  recorder: Recorder<FileAction>
  random: SeededRandom
  /** Ids of pending files whose bytes are there. */
  files: readonly string[]
  /** Milliseconds for which it waits for an answer. */
  patience: number
}

type FileJson = { id: string; status: FileState['status']; filename: string }

const stateOf = ({ status, filename }: FileJson): FileState => ({ status, name: filename })
const json = <T>({ body }: Answer): T => JSON.parse(body.toString()) as T

export class FileClient {
  readonly #o: FileClientOptions
  readonly #agent: Agent
  #renamed = 0

  constructor(o: FileClientOptions) {
    this.#o = o
    this.#agent = new Agent({ keepAlive: o.id % 2 === 0 })
  }

  /** A file that is pending, its bytes stored; null where that failed. */
  static async upload(o: Pick<FileClientOptions, 'api' | 'token' | 'patience'>, name: string): Promise<string | null> {
    const agent = new Agent()
    const bytes = Buffer.from(name)
    const wanted = { filename: name, mimeType: 'application/octet-stream', size: bytes.length }
    const headers = { authorization: `Bearer ${o.token}`, 'content-type': 'application/json' }
    const granted = await exchange(
      { method: 'POST', url: `${o.api}/files/upload-url`, headers, body: JSON.stringify(wanted) },
      { agent, timeout: o.patience },
    )
    if (typeof granted === 'string' || granted.status !== 200) return null
    const grant = json<{ id: string; uploadUrl: string; headers: Record<string, string> }>(granted)
    const request = { method: 'PUT', url: grant.uploadUrl, headers: grant.headers, body: bytes }
    const stored = await exchange(request, { agent, timeout: o.patience })
    return typeof stored !== 'string' && stored.status === 200 ? grant.id : null
  }

  async work(isOver: () => boolean): Promise<void> {
    const mix: [number, () => Promise<void>][] = [
      [10, () => this.confirm()],
      [30, () => this.rename()],
      [1, () => this.delete()],
      [30, () => this.read()],
      [15, () => this.list()],
    ]
    const turns = mix.flatMap(([times, turn]) => Array.from({ length: times }, () => turn))
    while (!isOver()) {
      await this.#o.random.pick(turns)()
      // Slower than it could, so that a file is not deleted before anything has happened.
      await sleep(this.#o.random.int(0, 60))
    }
    this.#agent.destroy()
  }

  async readAll(): Promise<void> {
    await this.list()
    for (const file of this.#o.files) await this.read(file)
    this.#agent.destroy()
  }

  confirm(file = this.#file()): Promise<void> {
    return this.#do(
      file,
      { kind: 'confirm' },
      { method: 'POST', path: '/files/confirm', body: { id: file } },
      (answer) => {
        if (answer.status === 404) return { kind: 'confirm', result: 'no such file' }
        if (answer.status === 200) return { kind: 'confirm', result: 'confirmed before' }
        // Another confirmation of the same upload runs.
        if (answer.status === 409) return 'unknown'
        return answer.status === 201 ? { kind: 'confirm', result: 'created' } : null
      },
    )
  }

  rename(file = this.#file()): Promise<void> {
    const name = `${this.#o.id}-${++this.#renamed}.bin`
    const action = { kind: 'rename' as const, name }
    return this.#do(file, action, { method: 'PATCH', path: `/files/${file}`, body: { filename: name } }, (answer) => {
      if (answer.status === 404) return { ...action, result: 'no such file' }
      const isOurs = answer.status === 200 && json<FileJson>(answer).filename === name
      return isOurs ? { ...action, result: 'renamed' } : null
    })
  }

  delete(file = this.#file()): Promise<void> {
    return this.#do(file, { kind: 'delete' }, { method: 'DELETE', path: `/files/${file}` }, ({ status }) => {
      if (status === 404) return { kind: 'delete', result: 'no such file' }
      return status === 204 ? { kind: 'delete', result: 'deleted' } : null
    })
  }

  read(file = this.#file()): Promise<void> {
    return this.#do(file, { kind: 'read' }, { method: 'GET', path: `/files/${file}` }, (answer) => {
      if (answer.status === 404) return { kind: 'read', result: null }
      return answer.status === 200 ? { kind: 'read', result: stateOf(json<FileJson>(answer)) } : null
    })
  }

  /** A read of each file by itself, all at the same time. */
  async list(): Promise<void> {
    const { recorder, id, files } = this.#o
    const running = files.map((file) => ({ file, operation: recorder.history.begin(id, file, { kind: 'list' }) }))
    const answer = await this.#ask({ method: 'GET', path: '/files?limit=100' })
    const isListed = typeof answer !== 'string' && answer.status === 200
    const listed = new Map(isListed ? json<{ files: FileJson[] }>(answer).files.map((file) => [file.id, file]) : [])
    for (const { file, operation } of running) {
      recorder.settle(operation, answer, ({ status }) => {
        const found = listed.get(file)
        return status === 200 ? { kind: 'list', result: found ? stateOf(found) : null } : null
      })
    }
  }

  async #do(
    file: string,
    action: FileAction,
    request: { method: string; path: string; body?: object },
    read: (answer: Answer) => FileAction | 'unknown' | null,
  ): Promise<void> {
    const { recorder, id } = this.#o
    const running = recorder.history.begin(id, file, action)
    recorder.settle(running, await this.#ask(request), read)
  }

  async #ask({ method, path, body }: { method: string; path: string; body?: object }): Promise<Exchange> {
    const { api, token, patience, random } = this.#o
    const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }
    const request = { method, url: api + path, headers, ...(body && { body: JSON.stringify(body) }) }
    const answer = await exchange(request, { agent: this.#agent, timeout: patience })
    if (typeof answer === 'string' || answer.status >= 500) await sleep(random.int(10, 100))
    return answer
  }

  #file(): string {
    return this.#o.random.pick(this.#o.files)
  }
}
