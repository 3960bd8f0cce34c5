/** The driver with a store that is busy, unreachable, or breaks off. */
import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { driverAt, driverBefore, refusal } from '../fixtures/fake-store.ts'

const ref = { bucket: 'files', key: 'uploads/a.bin' }
const MiB = 1024 * 1024

describe('a store', () => {
  it('that is busy is Unavailable, with its Retry-After', async () => {
    let asked = 0
    const driver = await driverBefore((_request, response) => {
      asked++
      refusal(response, 503, 'SlowDown', { 'retry-after': '1' })
    })
    await expect(driver.headObject(ref)).rejects.toMatchObject({ code: 'Unavailable', retryAfter: 1 })
    expect(asked).toBe(3)
  })

  it('that is unreachable is Unavailable', async () => {
    const driver = await driverAt('http://127.0.0.1:9')
    await expect(driver.headObject(ref)).rejects.toMatchObject({ code: 'Unavailable' })
    await expect(driver.checkReady()).rejects.toMatchObject({ code: 'Unavailable' })
  })

  it('without the bucket makes checkReady say what to do, with one request for many callers', async () => {
    let asked = 0
    const driver = await driverBefore((_request, response) => {
      asked++
      response.writeHead(404).end()
    })
    const checks = await Promise.allSettled(Array.from({ length: 20 }, () => driver.checkReady()))
    expect(checks.every(({ status }) => status === 'rejected')).toBe(true)
    await expect(driver.checkReady()).rejects.toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('storage.bucket'),
    })
    expect(asked).toBe(1)
  })

  it('that denies the bucket makes checkReady name the permissions', async () => {
    const driver = await driverBefore((_request, response) => response.writeHead(403).end())
    await expect(driver.checkReady()).rejects.toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('s3:PutObject'),
    })
  })
})

describe('a download', () => {
  const head = { etag: '"0123456789abcdef0123456789abcdef"', 'content-length': String(MiB) }

  it('that breaks off rejects sendTo and fails the stream', async () => {
    const driver = await driverBefore((_request, response) => {
      response.writeHead(200, head).write(Buffer.alloc(1000))
      setTimeout(() => response.destroy(), 20)
    })
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() })
    await expect((await driver.getObject(ref)).sendTo(sink)).rejects.toMatchObject({ code: 'Unavailable' })
    expect(sink.destroyed).toBe(false)
    await expect((await driver.getObject(ref)).stream().toArray()).rejects.toMatchObject({ code: 'Unavailable' })
  })

  it('that is aborted closes the connection to the store', async () => {
    let ended: Promise<unknown> = Promise.reject(new Error('never asked'))
    ended.catch(() => {})
    const driver = await driverBefore((_request, response) => {
      ended = new Promise((resolve) => response.once('close', resolve))
      response.writeHead(200, head).write(Buffer.alloc(1000))
    })
    const abort = new AbortController()
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() })
    const sending = (await driver.getObject(ref)).sendTo(sink, abort.signal)
    setTimeout(() => abort.abort(new Error('enough')), 20)
    await expect(sending).rejects.toThrow('enough')
    await ended

    await (await driver.getObject(ref)).close()
    await ended
  })
})

describe('a list of keys to delete', () => {
  it('is deleted one by one if the store does not support lists', async () => {
    const deleted: string[] = []
    const driver = await driverBefore((request, response) => {
      if (request.method === 'POST') return void refusal(response, 501, 'NotImplemented')
      deleted.push(request.url!.split('?')[0]!)
      return void (request.url!.includes('/b') ? refusal(response, 403, 'AccessDenied') : response.writeHead(204).end())
    })
    const results = await driver.deleteObjects('files', ['a', 'b'])
    expect(deleted).toEqual(['/files/a', '/files/b'])
    expect(results).toEqual([{ key: 'a' }, { key: 'b', error: { code: 'AccessDenied', message: 'Access Denied' } }])
  })
})
