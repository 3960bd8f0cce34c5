/** The event stream: resumption, limits, its end, and slow readers. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createRequestStreams, type RequestStreams, type StreamLimits } from '../../src/api/request-stream.ts'
import { isStorageError } from '../../src/errors.ts'
import type { Explanation } from '../../src/explain/explanation.ts'
import { createRequestLog, type LoggedRequest, type RequestLog } from '../../src/http/request-log.ts'
import { loggedRequest } from '../fixtures/logged-request.ts'
import { readEvents, type EventReader } from './event-reader.ts'
import { limit } from '../fixtures/time-limit.ts'

let server: Server
let log: RequestLog
let streams: RequestStreams
let explained: number
const open: EventReader[] = []

const refusedByAll = { outcome: 'refused', rows: [], difference: null } as unknown as Explanation

function start(limits: Partial<StreamLimits> = {}, capacity = 100): void {
  log = createRequestLog({ capacity })
  explained = 0
  const explain = () => {
    explained += 1
    return refusedByAll
  }
  streams = createRequestStreams({ log, explain, limits })
}

beforeEach(async () => {
  start()
  server = createServer((req, res) => {
    const user = String(req.headers['x-user'] ?? 'alice')
    try {
      streams.open(res, {
        user,
        lastId: String(req.headers['last-event-id'] ?? ''),
        maySee: ({ user: of }) => of === null || of === user,
      })
    } catch (error) {
      res.statusCode = isStorageError(error, 'TooManyRequests') ? 429 : 500
      res.end()
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  for (const reader of open.splice(0)) reader.close()
  server.closeAllConnections()
  server.close()
})

const port = (): number => (server.address() as AddressInfo).port
async function watch(headers: Record<string, string> = {}): Promise<EventReader> {
  const reader = await readEvents(`http://127.0.0.1:${port()}/`, headers)
  open.push(reader)
  return reader
}
const push = (o: Partial<LoggedRequest> = {}): void =>
  log.push(loggedRequest({ target: '/postern/k?X-Amz-Date=x', bucket: null, key: null, ...o }))
const refusal = {
  refusal: { code: 'AccessDenied', message: 'no', advice: 'ask' },
  status: 403,
  rawHeaders: ['host', 'x'],
}

describe('the stream of requests', () => {
  it('starts with past requests and continues with new ones', async () => {
    push({ requestId: 'before' })
    const reader = await watch()
    expect((await reader.next()).data).toEqual({ resumed: false })
    expect((await reader.request()).requestId).toBe('before')
    push({ requestId: 'live' })
    expect((await reader.request()).requestId).toBe('live')
  })

  it('resumes after the last id, and reports lost events', async () => {
    start({}, 3)
    const first = await watch()
    push({ requestId: 'one' })
    const { id } = await first.next(({ name }) => name === 'request')
    first.close()
    for (const requestId of ['two', 'three']) push({ requestId })
    const second = await watch({ 'last-event-id': id })
    expect((await second.next()).data).toEqual({ resumed: true })
    expect((await second.request()).requestId).toBe('two')
    expect((await second.request()).requestId).toBe('three')
    for (const requestId of ['four', 'five', 'six', 'seven']) push({ requestId })
    const third = await watch({ 'last-event-id': id })
    expect((await third.next(({ name }) => name === 'missed')).data).toEqual({ count: 3 })
    expect((await third.request()).requestId).toBe('five')
  })

  it.each(['other-1', '1', 'x', '../', '00000000-99999999999999999999'])('starts over after the id %o', async (id) => {
    push({ requestId: 'kept' })
    const reader = await watch({ 'last-event-id': id })
    expect((await reader.next()).data).toEqual({ resumed: false })
    expect((await reader.request()).requestId).toBe('kept')
  })

  it('sends comments while idle', async () => {
    start({ heartbeat: 20 })
    const reader = await watch()
    await expect.poll(() => reader.text()).toMatch(/\n\n:\n\n:\n\n/)
    push({ requestId: 'after' })
    expect((await reader.request()).requestId).toBe('after')
  })

  it('limits the readers per user and in total, and admits others once they leave', async () => {
    start({ readers: 3, readersOfOne: 2 })
    const [first] = [await watch(), await watch()]
    expect((await watch()).status).toBe(429)
    expect((await watch({ 'x-user': 'bob' })).status).toBe(200)
    expect((await watch({ 'x-user': 'carol' })).status).toBe(429)
    first.close()
    await expect.poll(async () => (await watch({ 'x-user': 'carol' })).status).toBe(200)
  })

  it('drops a reader that does not read, and keeps the others', async () => {
    start({ patience: 50 })
    const socket = connect(port(), '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nx-user: bob\r\n\r\n')
    socket.pause()
    const reader = await watch()
    const long = 'k'.repeat(4000)
    const dropped = once(socket, 'close')
    let at = 0
    await expect
      .poll(
        async () => {
          for (let i = 0; i < 100; i++) push({ target: `/${long}`, requestId: `R${at++}` })
          return new Promise((resolve) => {
            server.getConnections((_, count) => resolve(count))
          })
        },
        { timeout: limit(5000), interval: 20 },
      )
      .toBe(1)
    socket.resume()
    socket.on('error', () => {})
    await dropped
    push({ requestId: 'last' })
    expect((await reader.request(({ requestId }) => requestId === 'last')).requestId).toBe('last')
  })

  it('ends with the gateway, and after its age', async () => {
    const reader = await watch()
    await reader.next()
    log.close()
    await reader.ended
    expect(reader.text()).toMatch(/\n\n$/)
    start({ maxAge: 30 })
    await (
      await watch()
    ).ended
  })

  it('explains a request once for all readers, at a limited rate', async () => {
    start({ explanations: 3 })
    for (let i = 0; i < 10; i++) push({ ...refusal, requestId: `R${i}` })
    for (const user of ['alice', 'bob']) {
      const reader = await watch({ 'x-user': user })
      const last = await reader.request(({ requestId }) => requestId === 'R9')
      expect(last.refusal).toMatchObject({ code: 'AccessDenied', explanation: null })
    }
    expect(explained).toBeGreaterThan(0)
    expect(explained).toBeLessThanOrEqual(6)
    push({ requestId: 'fine' })
    expect(explained).toBeLessThanOrEqual(6)
  })
})
