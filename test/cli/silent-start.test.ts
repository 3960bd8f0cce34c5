/** Startup of `serve` with a database or a Redis that accepts connections and never responds. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startStallingProxy, type StallingProxy } from '../fixtures/stalling-proxy.ts'
import { freePort } from './free-port.ts'
import { makeBench, type Bench, type Started } from './run-postern.ts'
import { limit } from '../fixtures/time-limit.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let bench: Bench
let silent: StallingProxy
let api: string
let objects: string
beforeEach(async () => {
  bench = makeBench()
  silent = await startStallingProxy({ port: 1 })
  silent.change('stall')
  api = `127.0.0.1:${await freePort()}`
  objects = `127.0.0.1:${await freePort()}`
})
afterEach(async () => {
  await bench.remove()
  await silent.close()
})

function serve(...set: string[]): Started {
  const all = [`server.listen=${api}`, `objects.listen=${objects}`, 'storage.disk.minFree=1MiB', ...set]
  return bench.start(['serve', '--dev', '--json', ...all.flatMap((one) => ['--set', one])])
}

const get = async (url: string) => {
  const response = await fetch(url)
  return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() }
}

const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length

it.each([1, 2])(
  'is 503 while the database does not respond, logs it once, and stops on request, with workers: %i',
  async (n) => {
    const server = serve(`database.url=postgres://u:geheim@127.0.0.1:${silent.port}/app`, `server.workers=${n}`)
    await server.until(/not ready: the database at 127\.0\.0\.1:\d+ does not answer .* correct database\.url/)
    expect(await get(`http://${api}/readyz`)).toMatchObject({
      status: 503,
      retryAfter: '5',
      text: expect.stringContaining('its database does not answer yet') as string,
    })
    expect(await get(`http://${api}/healthz`)).toMatchObject({ status: 200, text: '{"status":"ok"}' })
    expect(await get(`http://${api}/files`)).toMatchObject({ status: 503 })
    const put = await get(`http://${objects}/postern/key`)
    expect(put).toMatchObject({ status: 503, retryAfter: '5' })
    expect(put.text).toContain('<Code>ServiceUnavailable</Code>')
    // A second attempt must have begun, and said nothing.
    await vi.waitUntil(() => silent.accepted > 2, { timeout: limit(60_000) })
    const { stdout, stderr } = server.output()
    expect(stdout).toBe('')
    expect(count(stderr, /does not answer/g)).toBe(1)
    expect(stderr).not.toContain('geheim')
    server.child.kill('SIGTERM')
    expect(await server.finished).toMatchObject({ exitCode: 0, signal: null })
  },
)

it('serves while the Redis of limits.store does not respond, and logs it at once', async () => {
  const server = serve(`limits.store=redis://:geheim@127.0.0.1:${silent.port}`)
  await server.until(/^\{"api".*"ready":true/m)
  const { stderr } = server.output()
  expect(count(stderr, /limits\.store does not respond.* or correct limits\.store/g)).toBe(1)
  expect(stderr).not.toContain('geheim')
  expect(await get(`http://${api}/readyz`)).toMatchObject({ status: 200 })
  const answers = await Promise.all(Array.from({ length: 20 }, () => get(`http://${api}/files`)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  server.child.kill('SIGTERM')
  expect(await server.finished).toMatchObject({ exitCode: 0 })
})
