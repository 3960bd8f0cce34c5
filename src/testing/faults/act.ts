/** Carries out the effect of a fault rule on one request. */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { InjectedError, type InterceptedRequest } from '../../http/intercept.ts'
import { errorBody } from '../../s3/error-response.ts'
import { shapeDownload, shapeUpload, type Cut, type FlowOptions } from './body-flow.ts'
import { injectedError } from './error-forms.ts'
import { recordAnswer } from './recorded-answer.ts'
import type { Rule } from './rule.ts'
import type { StaleAnswers } from './stale-answers.ts'

export type ActDeps = {
  stale: StaleAnswers
  /** Removes a multipart upload from the store. */
  forgetUpload: (request: InterceptedRequest) => Promise<void>
}

const reads = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Blanks before the error of `in200`, as S3 sends while it works. */
const blanks = 3
const blankEvery = 100

export async function act(
  { effect, applied }: Rule,
  request: InterceptedRequest,
  run: () => Promise<void>,
  deps: ActDeps,
): Promise<void> {
  const { req, res } = request
  const { delay, error, redirect, stall, reset, stale } = effect
  // Synchronously, because the body begins to arrive in the next turn of the event loop.
  const cut = cutOf(effect, request)
  shape(request, cut, effect.bandwidth)
  if (effect.dropHeaders) dropHeaders(request, effect.dropHeaders)
  if (delay) await sleep(delay.ms + Math.random() * (delay.jitter ?? 0))
  if (cut) return run()
  if (applied) await apply(request, run)
  if (error?.in200) return answerIn200(request, error)
  if (error) throw injectedError(error)
  if (redirect) throw redirection(request, redirect.location)
  if (stall) return hang(request, stall.for, applied ? async () => {} : run)
  if (reset) return cutOff(req.socket)
  // A write is never answered from memory, because then it would not take effect.
  if (stale && reads.has(req.method ?? '')) return deps.stale.answer(request, stale.for, run)
  if (effect.forgetUpload) await deps.forgetUpload(request)
  if (!res.destroyed) await run()
}

/** Lets the operation take effect without its answer being sent. */
async function apply({ api, res }: InterceptedRequest, run: () => Promise<void>): Promise<void> {
  // Koa writes an answer of the JSON API only after this.
  if (api === 'api') await run()
  else await recordAnswer(res, run)
}

/** What happens inside a body, or null if the effect concerns the whole request. */
function cutOf(effect: Rule['effect'], request: InterceptedRequest): (Cut & { of: 'upload' | 'download' }) | null {
  const { socket } = request.req
  const sends = request.req.method === 'PUT' || request.req.method === 'POST'
  const { reset, stall, truncate, corrupt, error } = effect
  const of = (given?: 'upload' | 'download'): 'upload' | 'download' => given ?? (sends ? 'upload' : 'download')
  if (reset && !isWhole(reset.at)) return { of: of(reset.of), at: reset.at, act: () => (cutOff(socket), never()) }
  if (truncate) return { of: 'download', at: truncate.at, act: () => (endEarly(socket), never()) }
  if (stall && stall.at !== 'request') {
    const at = stall.at === 'headers' ? 0 : stall.at
    const direction = stall.at === 'headers' ? 'download' : of(stall.of)
    return { of: direction, at, act: (rest) => wait(stall.for, rest, socket) }
  }
  if (corrupt) return { of: of(corrupt.of), at: corrupt.at ?? 0, act: flipped }
  if (error?.at !== undefined) {
    return { of: 'upload', at: error.at, act: () => (answerRaw(request, injectedError(error)), never()) }
  }
  return null
}

const isWhole = (at: unknown): boolean => at === 'request' || at === 'headers'

/** The connection is gone, so nothing passes any more. */
const never = (): Promise<Buffer> => new Promise(() => {})

async function wait(seconds: number | undefined, rest: Buffer, socket: Socket): Promise<Buffer> {
  if (seconds === undefined) return never()
  await sleep(seconds * 1000)
  return socket.destroyed ? never() : rest
}

function flipped(rest: Buffer): Buffer {
  if (rest.length > 0) rest[0]! ^= 0x01
  return rest
}

function shape(
  { req, res }: InterceptedRequest,
  cut: ReturnType<typeof cutOf>,
  bandwidth: Rule['effect']['bandwidth'],
): void {
  const flow = (of: 'upload' | 'download', rate: number | undefined): FlowOptions | null =>
    cut?.of === of || rate !== undefined
      ? { ...(cut?.of === of && { cut }), ...(rate !== undefined && { bandwidth: rate }) }
      : null
  const upload = flow('upload', bandwidth?.up)
  const download = flow('download', bandwidth?.down)
  if (upload) shapeUpload(req, upload)
  if (download) shapeDownload(res, download)
}

function dropHeaders({ res }: InterceptedRequest, names: readonly string[]): void {
  const dropped = new Set(names.map((name) => name.toLowerCase()))
  const writeHead = res.writeHead.bind(res) as (...given: unknown[]) => typeof res
  res.writeHead = ((...given: unknown[]) => {
    for (const name of dropped) res.removeHeader(name)
    return writeHead(
      ...given.map((one) =>
        typeof one === 'object' && one !== null && !Array.isArray(one)
          ? Object.fromEntries(Object.entries(one).filter(([name]) => !dropped.has(name.toLowerCase())))
          : one,
      ),
    )
  }) as typeof res.writeHead
}

/** Resets the connection, so that the client sees ECONNRESET. */
function cutOff(socket: Socket): void {
  socket.resetAndDestroy()
}

/** Ends the connection in order, before all bytes of the answer. */
function endEarly(socket: Socket): void {
  socket.end(() => socket.destroy())
}

/** Does not answer for so many seconds, or until the client leaves. */
async function hang({ res }: InterceptedRequest, seconds: number | undefined, run: () => Promise<void>): Promise<void> {
  const gone = new AbortController()
  res.once('close', () => gone.abort())
  // An interval keeps the promise pending until the client leaves.
  await sleep(seconds === undefined ? 2 ** 31 - 1 : seconds * 1000, undefined, {
    signal: gone.signal,
    ref: false,
  }).catch(() => {})
  if (!res.destroyed && seconds !== undefined) await run()
}

function redirection({ req }: InterceptedRequest, location: string | undefined): InjectedError {
  const target = location ?? `http://${req.headers.host ?? 'localhost'}${req.url ?? '/'}`
  const error = injectedError({ code: 'TemporaryRedirect' })
  return new InjectedError({ ...error, message: error.message, headers: { location: target } })
}

const xmlError = (error: InjectedError, { req, res }: InterceptedRequest): string =>
  errorBody(
    { code: error.code, message: error.message, status: error.status, details: error.details },
    {
      resource: (req.url ?? '').split('?', 1)[0]!,
      requestId: String(res.getHeader('x-amz-request-id') ?? ''),
    },
  )

/** 200 with blanks, as S3 answers while a long operation runs, and then the error. */
async function answerIn200(request: InterceptedRequest, error: NonNullable<Rule['effect']['error']>): Promise<void> {
  const { req, res } = request
  req.resume()
  res.setHeader('content-type', 'application/xml')
  res.writeHead(200)
  const [declaration = '', ...rest] = xmlError(injectedError(error), request).split(/(?<=\?>)/)
  res.write(declaration)
  for (let sent = 0; sent < blanks; sent++) {
    res.write(' ')
    await sleep(blankEvery)
  }
  res.end(rest.join(''))
}

/** Answers in the middle of an upload, past the handler that still reads it, and closes the connection. */
function answerRaw(request: InterceptedRequest, error: InjectedError): void {
  const { socket } = request.req
  const body = xmlError(error, request)
  const head = [
    `HTTP/1.1 ${error.status} ${error.code}`,
    'content-type: application/xml',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => setTimeout(() => socket.destroy(), 100))
}
