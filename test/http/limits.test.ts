/** Many slow or idle clients: the next valid request works, and memory stays bounded. */
import { EventEmitter } from 'node:events'
import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { Counts } from '../../src/drivers/peers.ts'
import { createConnectionLimit } from '../../src/http/connection-limit.ts'
import { createLogger } from '../../src/http/logger.ts'
import { createServer, type HttpServer, type HttpServerOptions } from '../../src/http/server.ts'
import { plainAnswer } from '../../src/s3/plain-answer.ts'
import { connect, rawHead, rawRequest, type RawConnection } from '../fixtures/raw-http.ts'
import { limit } from '../fixtures/time-limit.ts'

const log = createLogger({ level: 'silent', format: 'json' })
const open: (HttpServer | { close(): void })[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

async function start(listener: RequestListener, o: Partial<HttpServerOptions> = {}): Promise<string> {
  const server = createServer(listener, { log, shutdownTimeout: 1, ...o })
  open.push(server)
  return server.listen({ host: '127.0.0.1', port: 0 })
}

const ok: RequestListener = (req, res) => req.resume().on('end', () => res.end('ok'))

async function flood(base: string, count: number): Promise<RawConnection[]> {
  const all = await Promise.all(Array.from({ length: count }, () => connect(base)))
  open.push(...all)
  return all
}

const works = async (base: string): Promise<void> =>
  expect((await rawRequest(base, rawHead(base, 'GET', '/'))).text).toBe('ok')

describe('many slow clients', () => {
  test('300 silent connections get 408 and are closed', async () => {
    const base = await start(ok, { headersTimeout: 0.5, checkEvery: 0.1 })
    const idle = await flood(base, 300)
    await works(base)
    const statuses = await Promise.all(idle.map(async (connection) => (await connection.answer()).status))
    expect(new Set(statuses)).toEqual(new Set([408]))
    await Promise.all(idle.map((connection) => connection.closed()))
  })

  test('headers that arrive byte by byte must be complete in time', async () => {
    const base = await start(ok, { headersTimeout: 0.5, checkEvery: 0.1 })
    const slow = await flood(base, 50)
    let dripping = true
    const drip = (async () => {
      for (const byte of `GET / HTTP/1.1\r\nX-Slow: ${'x'.repeat(2000)}`) {
        if (!dripping) return
        await Promise.all(slow.map((connection) => connection.send(byte).catch(() => {})))
        await sleep(10)
      }
    })()
    await works(base)
    const statuses = await Promise.all(slow.map(async (connection) => (await connection.answer()).status))
    expect(new Set(statuses)).toEqual(new Set([408]))
    dripping = false
    await drip
  })

  test('bodies below the minimum rate get 408, and one above it continues', async () => {
    const base = await start(ok, { rateFloor: { bytesPerSecond: 100, window: limit(400) / 1000 } })
    const slow = await flood(base, 50)
    for (const connection of slow) await connection.send(rawHead(base, 'PUT', '/', { 'Content-Length': '1000' }))
    const honest = await connect(base)
    await honest.send(rawHead(base, 'PUT', '/', { 'Content-Length': '800' }))
    const sending = (async () => {
      for (let i = 0; i < 16; i++) {
        await honest.send('x'.repeat(50))
        await sleep(limit(80))
      }
    })()
    const statuses = await Promise.all(slow.map(async (connection) => (await connection.answer()).status))
    expect(new Set(statuses)).toEqual(new Set([408]))
    await sending
    expect((await honest.answer()).text).toBe('ok')
    honest.close()
  })

  test('readers that do not read are disconnected, and use a bounded buffer each', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x')
    let waiting = 0
    let cut = 0
    const base = await start(
      (_req, res) => {
        const more = (): void => {
          while (res.write(chunk));
          waiting = Math.max(waiting, res.writableLength)
        }
        res.on('drain', more).once('close', () => (cut += 1))
        more()
      },
      { rateFloor: { bytesPerSecond: 100, window: 0.2 } },
    )
    for (const reader of await flood(base, 20)) {
      reader.socket.removeAllListeners('data').pause()
      await reader.send(rawHead(base, 'GET', '/'))
    }
    await expect.poll(() => cut, { timeout: 10_000 }).toBe(20)
    expect(waiting).toBeLessThanOrEqual(2 * chunk.length + 16 * 1024)
  })
})

describe('more connections than are allowed', () => {
  const limitOf = (total: number) =>
    createConnectionLimit({ total, perClient: 2, trustedProxies: ['10.9.0.0/16'], counts: new Counts() })

  test('get 503 with a request id, and are admitted once another has closed', async () => {
    const base = await start(ok, { connectionLimit: limitOf(3), plainAnswer })
    const held = await flood(base, 3)
    const refused = await connect(base)
    await refused.send(rawHead(base, 'GET', '/')).catch(() => {})
    const answer = await refused.answer()
    expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('connection')]).toEqual([
      503,
      '5',
      'close',
    ])
    expect(answer.text).toContain('<Code>SlowDown</Code>')
    expect(answer.text).toContain(answer.headers.get('x-amz-request-id'))
    refused.close()
    for (const connection of held) await connection.send(rawHead(base, 'GET', '/'))
    for (const connection of held) expect((await connection.answer()).status).toBe(200)
    held[0]!.close()
    await expect.poll(async () => (await rawRequest(base, rawHead(base, 'GET', '/'))).status).toBe(200)
  })

  const from = (remoteAddress: string): Socket & { leave(): void } =>
    Object.assign(new EventEmitter(), {
      remoteAddress,
      leave(this: EventEmitter) {
        this.emit('close')
      },
    }) as never

  test('count by client: an address, or the /64 of an IPv6 one', () => {
    const { admit } = limitOf(1000)
    const first = from('203.0.113.7')
    expect([first, from('::ffff:203.0.113.7'), from('203.0.113.7'), from('203.0.113.8')].map(admit)).toEqual([
      true,
      true,
      false,
      true,
    ])
    first.leave()
    expect(admit(from('203.0.113.7'))).toBe(true)
    const network = ['2001:db8::1', '2001:db8:0:0:ffff::1', '2001:db8::2', '2001:db8:0:1::1'].map((address) =>
      admit(from(address)),
    )
    expect(network).toEqual([true, true, false, true])
  })

  test('loopback and trusted proxies count only in the total', () => {
    const { admit } = limitOf(12)
    const addresses = ['127.0.0.1', '::1', '::ffff:127.0.0.9', '10.9.1.1'].flatMap((address) => [
      address,
      address,
      address,
    ])
    expect(addresses.map((address) => admit(from(address)))).toEqual(addresses.map(() => true))
    expect(admit(from('127.0.0.1'))).toBe(false)
  })
})
