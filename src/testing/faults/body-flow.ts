/** Slows down, cuts, holds or changes the bytes of one request or response while they pass through the server. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Offset } from './rule.ts'

export type Cut = {
  at: Offset
  /** Called once when the bytes before `at` have passed. What it returns passes instead of the rest of the chunk. */
  act: (rest: Buffer) => Promise<Buffer> | Buffer
}

export type FlowOptions = {
  cut?: Cut
  /** Bytes per second. */
  bandwidth?: number
}

/** Passes chunks on in order, one at a time. */
class Flow {
  readonly #o: FlowOptions
  readonly #total: () => number
  #passed = 0
  #isCut = false
  #queue = Promise.resolve()
  #waiting = 0

  /** `total`: the declared length of the body, for percentages. */
  constructor(o: FlowOptions, total: () => number) {
    this.#o = o
    this.#total = total
  }

  get isIdle(): boolean {
    return this.#waiting === 0
  }

  add(step: () => Promise<void> | void): void {
    this.#waiting++
    this.#queue = this.#queue
      .then(step)
      .catch(() => {})
      .finally(() => void this.#waiting--)
  }

  /** The parts of a chunk as they are to be sent, each after its delay. */
  async *pass(chunk: Buffer): AsyncGenerator<Buffer> {
    const { cut } = this.#o
    const at = cut && !this.#isCut ? offsetOf(cut.at, this.#total()) : Infinity
    const before = chunk.subarray(0, Math.max(0, at - this.#passed))
    const rest = chunk.subarray(before.length)
    this.#passed += chunk.length
    if (before.length > 0) yield* this.#slowly(before)
    if (cut && !this.#isCut && (rest.length > 0 || this.#passed >= at)) {
      this.#isCut = true
      const instead = await cut.act(Buffer.from(rest))
      if (instead.length > 0) yield* this.#slowly(instead)
    } else if (rest.length > 0) yield* this.#slowly(rest)
  }

  async *#slowly(chunk: Buffer): AsyncGenerator<Buffer> {
    const { bandwidth } = this.#o
    if (bandwidth === undefined) return yield chunk
    const step = Math.max(1, Math.ceil(bandwidth / 10))
    for (let at = 0; at < chunk.length; at += step) {
      const part = chunk.subarray(at, at + step)
      await sleep((part.length / bandwidth) * 1000)
      yield part
    }
  }
}

function offsetOf(at: Offset, total: number): number {
  if (typeof at === 'number') return at
  return Math.floor((total * Number.parseInt(at, 10)) / 100)
}

const lengthOf = (value: unknown): number => {
  const length = Number(value)
  return Number.isSafeInteger(length) && length > 0 ? length : 0
}

/** Call it before the first byte of the body was read. */
export function shapeUpload(req: IncomingMessage, o: FlowOptions): void {
  const flow = new Flow(o, () => lengthOf(req.headers['content-length']))
  const push = req.push.bind(req)
  req.push = (chunk: Buffer | null): boolean => {
    flow.add(async () => {
      if (chunk === null) push(null)
      else for await (const part of flow.pass(chunk)) push(part)
    })
    // The parser stops reading from the socket. It goes on when the consumer asks for more.
    return false
  }
}

/** Call it before the response is written. */
export function shapeDownload(res: ServerResponse, o: FlowOptions): void {
  const flow = new Flow(o, () => lengthOf(res.getHeader('content-length')))
  const write = res.write.bind(res) as (chunk: Buffer, cb?: () => void) => boolean
  const end = res.end.bind(res)
  const send = async (chunk: Buffer): Promise<void> => {
    for await (const part of flow.pass(chunk)) write(part)
  }
  res.write = ((chunk: Buffer | string, ...more: unknown[]) => {
    const bytes = bytesOf(chunk, more)
    flow.add(async () => {
      await send(bytes)
      callbackOf(more)?.()
      setImmediate(() => flow.isIdle && res.emit('drain'))
    })
    return false
  }) as typeof res.write
  res.end = ((...given: unknown[]) => {
    const [chunk, ...more] = given
    if (isChunk(chunk)) {
      const bytes = bytesOf(chunk, more)
      if (flow.isIdle && !res.headersSent && !res.hasHeader('content-length')) {
        res.setHeader('content-length', bytes.length)
      }
      flow.add(() => send(bytes))
    }
    flow.add(() => void end(callbackOf(given) as () => void))
    return res
  }) as typeof res.end
}

const isChunk = (chunk: unknown): chunk is Buffer | string => typeof chunk === 'string' || chunk instanceof Uint8Array

const bytesOf = (chunk: Buffer | string, [encoding]: unknown[]): Buffer =>
  typeof chunk === 'string'
    ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
    : Buffer.from(chunk)

const callbackOf = (given: unknown[]): (() => void) | undefined =>
  given.find((one): one is () => void => typeof one === 'function')
