/** Large bodies: constant memory, buffers that are not reused too early, and readers that disconnect. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createServer, get, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, bytesOf } from '../conformance/driver/suite-tools.ts'
import { diskFixture, type DiskFixture } from './disk-fixture.ts'

const MiB = 1 << 20
const ref = { bucket: 'postern', key: 'large' }

let fixture: DiskFixture
let server: Server
let failures: unknown[]
beforeEach(async () => {
  fixture = await diskFixture({ fsync: 'none' })
  failures = []
  server = createServer((_, res) => {
    void fixture.driver
      .getObject(ref)
      .then(async (object) => {
        res.setHeader('content-length', object.head.contentLength)
        await object.sendTo(res)
        res.end()
      })
      .catch((error: unknown) => {
        failures.push(error)
        res.destroy()
      })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await fixture.close()
})
const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

const openBlobs = async (): Promise<number> => {
  const links = await readdir('/proc/self/fd').catch(() => [])
  return links.length
}

describe('a body of 256 MiB', () => {
  it('is stored and served without being held in memory', async () => {
    const chunk = randomBytes(64 * 1024)
    const sha256 = createHash('sha256')
    let peak = 0
    const measure = (): void => {
      peak = Math.max(peak, process.memoryUsage.rss())
    }
    const body = Readable.from(
      (function* () {
        for (let i = 0; i < 4096; i++) {
          if (i % 64 === 0) measure()
          // A fresh copy, as a socket delivers it.
          const copy = Buffer.from(chunk)
          copy.writeUInt32LE(i)
          sha256.update(copy)
          yield copy
        }
      })(),
      { objectMode: false },
    )
    globalThis.gc?.()
    const before = process.memoryUsage.rss()
    await fixture.driver.putObject(ref, body, { contentLength: 256 * MiB })
    const received = createHash('sha256')
    for await (const data of (await fetch(url())).body!) {
      received.update(data as Uint8Array)
      measure()
    }
    expect(received.digest('hex')).toBe(sha256.digest('hex'))
    expect((peak - before) / MiB).toBeLessThan(120)
  }, 60_000)
})

describe('over a socket', () => {
  it('slow and fast readers get the bytes concurrently', async () => {
    const data = bytesOf(9 * MiB + 321)
    await fixture.driver.putObject(ref, bodyOf(data), { contentLength: data.length })
    const readers = Array.from({ length: 6 }, async (_, i) => {
      const parts: Buffer[] = []
      const [res] = (await once(get(url()), 'response')) as [Readable]
      for await (const part of res) {
        parts.push(Buffer.from(part as Buffer))
        if (i % 2 === 0 && parts.length % 20 === 0) await setTimeout(2)
      }
      return Buffer.concat(parts).equals(data)
    })
    expect(await Promise.all(readers)).toEqual(Array(6).fill(true))
    expect(failures).toEqual([])
  })

  it('a reader that disconnects stops its download and affects no other', async () => {
    const data = bytesOf(16 * MiB)
    await fixture.driver.putObject(ref, bodyOf(data), { contentLength: data.length })
    const before = await openBlobs()
    for (let i = 0; i < 10; i++) {
      const request = get(url())
      const [res] = (await once(request, 'response')) as [Readable]
      await once(res, 'data')
      request.destroy()
    }
    const whole = Buffer.from(await (await fetch(url())).arrayBuffer())
    expect(whole.equals(data)).toBe(true)
    for (let i = 0; i < 100 && failures.length < 10; i++) await setTimeout(20)
    expect(failures).toHaveLength(10)
    // One descriptor stays in the cache, and connections may linger.
    expect(await openBlobs()).toBeLessThanOrEqual(before + 8)
  })
})
