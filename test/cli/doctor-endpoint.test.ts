/** `postern doctor` for the gateway's objects endpoint: with a bucket that browsers cannot reach, and with a disk. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bucket, owner, startFaultyStore, type Asked, type FaultyStore } from '../doctor/faulty-store.ts'
import { startFaultProxy, type FaultProxy } from '../fixtures/fault-proxy.ts'
import { startGateway, testSecrets, type RunningGateway } from '../fixtures/gateway.ts'
import { freePort } from './free-port.ts'
import { makeBench, type Bench, type Finished } from './run-postern.ts'
import { limit } from '../fixtures/time-limit.ts'

// Each command is a separate process, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

const origin = 'http://localhost:5173'
let bench: Bench
beforeEach(async () => {
  bench = makeBench()
  const listen = async (): Promise<string> => `{ listen: "127.0.0.1:${await freePort()}" }`
  bench.write('config/local.yaml', `server: ${await listen()}\nobjects: ${await listen()}\n`)
  mkdirSync(join(bench.path, 'storage'))
  writeFileSync(join(bench.path, 'storage', 'secrets.json'), JSON.stringify(testSecrets), { mode: 0o600 })
})
afterEach(() => bench.remove())

const doctor = (settings: Record<string, string>, ...args: string[]): string[] => [
  'doctor',
  '--json',
  ...Object.entries({ 'storage.disk.minFree': '1MiB', ...settings }).flatMap(([key, value]) => [
    '--set',
    `${key}=${value}`,
  ]),
  ...args,
]

type Result = { group: string; check: string; outcome: string; message: string; fix?: string }
type Report = { ok: boolean; interrupted: boolean; results: Result[]; cors: unknown; left: string[] }
const reported = ({ exitCode, stdout }: Finished): Report & { exitCode: number | null } => ({
  exitCode,
  ...(JSON.parse(stdout) as Report),
})
const namesOf = ({ results }: Report, group: string): string[] =>
  results.filter((result) => result.group === group).map(({ check }) => check)
/** A temporary folder may lie in memory. */
const failed = ({ results }: Report): Result[] =>
  results.filter(({ outcome, check }) => outcome === 'failed' && check !== 'fsync')
const listening = (url: string): string => new URL(url).host

describe('a bucket behind the objects endpoint (storage.delivery: proxied)', () => {
  let faulty: FaultyStore
  let asked: Asked[]
  beforeEach(async () => {
    faulty = await startFaultyStore()
    asked = []
    faulty.fault = { answer: (one) => (asked.push(one), null) }
    // Nothing is allowed there: no page ever asks it.
    await faulty.store.setBucketCors(bucket, [])
  })
  afterEach(() => faulty.close())

  const s3 = () => ({
    endpoint: faulty.url,
    region: 'us-east-1',
    forcePathStyle: true,
    prefix: 'app/',
    ...owner,
  })
  const settings = (): Record<string, string> => ({
    'storage.driver': 's3',
    'storage.delivery': 'proxied',
    'storage.bucket': bucket,
    'cors.origins': `["${origin}"]`,
    ...Object.fromEntries(Object.entries(s3()).map(([key, value]) => [`storage.s3.${key}`, String(value)])),
  })
  /** Leaves out the object that a server writes at startup to check the bucket. */
  const inBucket = async (): Promise<string[]> => {
    const { objects } = await faulty.store.listObjects({ bucket })
    const { uploads } = await faulty.store.listMultipartUploads({ bucket })
    return [...objects, ...uploads].map(({ key }) => key).filter((key) => key !== 'app/postern-write-check')
  }

  it("is checked for the server's needs, and the endpoint for the browsers'", async () => {
    const report = reported(await bench.run(doctor(settings())))
    expect(failed(report)).toEqual([])
    expect(report).toMatchObject({ cors: null, left: [] })
    const alone = ['reach', 'clock', 'credentials', 'session', 'region', 'bucket', 'put', 'get', 'range', 'list']
    expect(namesOf(report, 'bucket')).toEqual([...alone, 'multipart', 'delete'])
    const met = ['public-endpoint', 'presign', `cors:${origin}`, 'checksum', 'copy-source', 'if-none-match', 'post']
    expect(namesOf(report, 'endpoint')).toEqual(met)
    expect(report.results.filter(({ group, outcome }) => group === 'endpoint' && outcome !== 'ok')).toEqual([])
    // Presigned URLs and preflights do not reach it.
    expect(asked.filter(({ method, query }) => method === 'OPTIONS' || query.has('X-Amz-Signature'))).toEqual([])
    expect(asked.some(({ key }) => /^app\/postern-doctor\/.*\/presigned$/.test(key))).toBe(true)
    expect(await inBucket()).toEqual([])
  })

  it('allows the pages of cors.origins, and --fix does not change its rules', async () => {
    const finished = await bench.run(doctor(settings(), '--origin', 'http://localhost:1234', '--fix'))
    const report = reported(finished)
    expect(report).toMatchObject({ exitCode: 1, ok: false, cors: null })
    expect(failed(report)).toMatchObject([
      { group: 'endpoint', check: 'cors:http://localhost:1234', fix: expect.stringContaining('to cors.origins') },
    ])
    expect(finished.stderr).toMatch(/--fix sets the CORS rules of a bucket/)
    expect((await faulty.store.headBucket(bucket)).cors).toEqual([])
  })

  it('is not checked if the bucket itself does not work', async () => {
    const wrong = { ...settings(), 'storage.s3.secretAccessKey': 'x'.repeat(40) }
    const report = reported(await bench.run(doctor(wrong)))
    expect(report.exitCode).toBe(1)
    expect(failed(report).map(({ group, check }) => `${group} ${check}`)).toEqual(['bucket credentials'])
    expect(report.results.find(({ check }) => check === 'presign')).toMatchObject({
      outcome: 'unknown',
      message: 'Not checked, because put did not pass.',
    })
  })

  it('is checked through the running server, and nothing stays after an interruption', async () => {
    const storage = { driver: 's3', delivery: 'proxied', bucket, s3: s3() }
    const gateway = await startGateway({ storage, cors: { origins: [origin] } }, { dir: bench.path })
    try {
      const at = { 'server.listen': listening(gateway.apiUrl), 'objects.listen': listening(gateway.objectsUrl) }
      const report = reported(await bench.run(doctor({ ...settings(), ...at })))
      expect(report.results.filter(({ outcome, check }) => outcome !== 'ok' && check !== 'fsync')).toEqual([])
      expect(await inBucket()).toEqual([])

      const held = Promise.withResolvers<void>()
      faulty.fault = {
        async answer({ method, key }) {
          if (method !== 'PUT' || !key.endsWith('/presigned')) return null
          child.kill('SIGINT')
          await held.promise
          return null
        },
      }
      const { child, finished, until } = bench.start(doctor({ ...settings(), ...at }))
      await until(/Interrupted/)
      held.resolve()
      expect(reported(await finished)).toMatchObject({ exitCode: 130, interrupted: true, left: [] })
      expect(await inBucket()).toEqual([])
    } finally {
      await gateway.close()
    }
  })
})

describe('a disk', () => {
  let gateway: RunningGateway
  let proxy: FaultProxy
  beforeEach(async () => {
    gateway = await startGateway({}, { dir: bench.path })
    proxy = await startFaultProxy()
    proxy.target = gateway.objectsUrl
  })
  afterEach(async () => {
    await proxy.close()
    await gateway.close()
  })

  it('is empty again after an interruption behind a slow proxy', async () => {
    const settings = {
      'server.listen': listening(gateway.apiUrl),
      'objects.listen': listening(gateway.objectsUrl),
      'objects.publicUrl': proxy.url,
    }
    const { driver } = gateway.gateway
    const stored = async (): Promise<string[]> => [
      ...(await driver.listObjects({ bucket: 'postern' })).objects.map(({ key }) => key),
      ...(await driver.listMultipartUploads({ bucket: 'postern' })).uploads.map(({ key }) => key),
    ]
    // What is written is written; its answer comes late.
    proxy.fault = ({ method }) => (method === 'PUT' ? { kind: 'late', ms: 1000 } : null)
    const { child, finished } = bench.start(doctor(settings))
    await expect
      .poll(async () => (await stored()).some((key) => key.endsWith('/presigned')), { timeout: limit(60_000) })
      .toBe(true)
    child.kill('SIGINT')
    const report = reported(await finished)
    expect(report).toMatchObject({ exitCode: 130, ok: false, interrupted: true, left: [] })
    expect(namesOf(report, 'bucket')).toContain('multipart')
    expect(namesOf(report, 'bucket')).not.toContain('presign')
    expect(await stored()).toEqual([])
  })
})

it('allows the pages of server.publicUrl while the server does not run', async () => {
  const settings = {
    'server.publicUrl': 'http://127.0.0.1:8080',
    'cors.origins': `["${origin}"]`,
  }
  const report = reported(await bench.run(doctor(settings)))
  expect(failed(report)).toEqual([])
  expect(namesOf(report, 'bucket').filter((check) => check.startsWith('cors:'))).toEqual([
    `cors:${origin}`,
    'cors:http://127.0.0.1:8080',
  ])
})
