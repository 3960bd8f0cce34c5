/** `postern doctor` for a bucket, as a process: the changes of --fix, and the state after an interruption. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { CorsRule } from '../../src/drivers/driver.ts'
import { bucket, owner, refusal, startFaultyStore, type Asked, type FaultyStore } from '../doctor/faulty-store.ts'
import { freePort } from './free-port.ts'
import { makeBench, script, type Bench, type Finished, type Started } from './run-postern.ts'

// Each command is a separate process, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

/** Of this machine: one elsewhere would not reach the store, which is a fault of its own. */
const origin = 'http://localhost:5173'
let bench: Bench
let faulty: FaultyStore
beforeEach(async () => {
  bench = makeBench()
  bench.write('config/local.yaml', `server: { listen: "127.0.0.1:${await freePort()}" }\n`)
  faulty = await startFaultyStore()
})
afterEach(async () => {
  await bench.remove()
  await faulty.close()
})

const settings = (): string[] =>
  Object.entries({
    'storage.driver': 's3',
    'storage.bucket': bucket,
    'storage.disk.minFree': '1MiB',
    'storage.s3.endpoint': faulty.url,
    'storage.s3.region': 'us-east-1',
    'storage.s3.forcePathStyle': 'true',
    'storage.s3.prefix': 'a&b/',
    'storage.s3.accessKeyId': owner.accessKeyId,
    'storage.s3.secretAccessKey': owner.secretAccessKey,
  }).flatMap(([key, value]) => ['--set', `${key}=${value}`])

const doctor = (...args: string[]): string[] => ['doctor', '--origin', origin, ...settings(), ...args]

type Report = {
  ok: boolean
  interrupted: boolean
  results: { group: string; check: string; outcome: string; message: string; fix?: string }[]
  cors: { CORSRules: Record<string, unknown>[] } | null
  left: string[]
}
const reported = ({ exitCode, stdout }: Finished): Report & { exitCode: number | null } => ({
  exitCode,
  ...(JSON.parse(stdout) as Report),
})
/** Of the bucket. */
const failed = ({ results }: Report): string[] =>
  results.filter(({ group, outcome }) => group === 'bucket' && outcome === 'failed').map(({ check }) => check)

const rulesNow = async (): Promise<CorsRule[]> => (await faulty.store.headBucket(bucket)).cors ?? []

/** Keys of objects, and of uploads that are open. */
const stored = async (): Promise<string[]> => [
  ...(await faulty.store.listObjects({ bucket })).objects.map(({ key }) => key),
  ...(await faulty.store.listMultipartUploads({ bucket })).uploads.map(({ key }) => key),
]

const reading: CorsRule = {
  id: 'theirs',
  allowedOrigins: ['https://other.example.com'],
  allowedMethods: ['GET'],
  allowedHeaders: [],
  exposeHeaders: [],
}

it('prints the rules, sets them with --fix, and passes on the next run', async () => {
  await faulty.store.setBucketCors(bucket, [reading])
  const before = await bench.run(doctor())
  expect(before.exitCode).toBe(1)
  expect(before.stdout).toContain(`✖ cors:${origin}`)
  expect(before.stdout).toContain(`Run "postern doctor --origin ${origin} --fix"`)
  const [, json = ''] = /\(aws s3api put-bucket-cors\):\n(\{[^]*?\n\})\n/.exec(before.stdout) ?? []
  const written = JSON.parse(json) as Report['cors']
  expect(written?.CORSRules).toEqual([
    expect.objectContaining({ ID: 'postern', AllowedOrigins: [origin] }),
    expect.objectContaining({ ID: 'postern-reads', AllowedOrigins: ['*'], AllowedMethods: ['GET', 'HEAD'] }),
  ])
  expect(await rulesNow()).toHaveLength(1)

  const fixed = reported(await bench.run(doctor('--fix', '--json')))
  expect(fixed.results.filter(({ outcome }) => outcome === 'failed')).toEqual([])
  expect(fixed).toMatchObject({ exitCode: 0, ok: true, interrupted: false, cors: null, left: [] })
  expect(fixed.results.filter(({ group, outcome }) => group === 'bucket' && outcome !== 'ok')).toEqual([])
  const about = fixed.results.filter(({ check }) => check.startsWith('cors'))
  expect(about.map(({ check, outcome }) => `${outcome} ${check}`)).toEqual(['ok cors-fix', `ok cors:${origin}`])
  expect((await rulesNow()).map(({ id }) => id)).toEqual(['postern', 'postern-reads', 'theirs'])

  const after = await bench.run(doctor())
  expect(after.exitCode).toBe(0)
  expect(after.stdout).toContain(`✔ cors:${origin}`)
  expect(after.stdout).not.toContain('put-bucket-cors')
  expect(await stored()).toEqual([])
})

it('keeps the origins that an earlier --fix allowed', async () => {
  expect((await bench.run(doctor('--fix', '--json'))).exitCode).toBe(0)
  const other = 'http://localhost:5174'
  expect((await bench.run(['doctor', '--origin', other, '--fix', ...settings()])).exitCode).toBe(0)
  expect(await rulesNow()).toMatchObject([
    { id: 'postern', allowedOrigins: [origin, other] },
    { id: 'postern-reads', allowedOrigins: ['*'] },
  ])
  expect((await bench.run(doctor('--origin', other))).exitCode).toBe(0)
})

it('says what --fix may not do, and prints the rules for manual changes', async () => {
  faulty.fault = {
    answer: ({ method, query }) => (method === 'PUT' && query.has('cors') ? refusal(403, 'AccessDenied') : null),
  }
  const report = reported(await bench.run(doctor('--fix', '--json')))
  expect(report).toMatchObject({ exitCode: 1, ok: false })
  expect(failed(report)).toEqual([`cors:${origin}`, 'cors-fix'])
  expect(report.results.at(-1)?.fix).toMatch(/s3:PutBucketCORS/)
  expect(report.cors?.CORSRules).toHaveLength(2)
})

/** A request that the store takes its time for: until it is let go the answer is held. */
function hold(isIt: (asked: Asked) => boolean) {
  const arrived = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const later: Asked[] = []
  let isHeld = false
  faulty.fault = {
    async answer(asked) {
      if (isHeld) later.push(asked)
      if (isHeld || !isIt(asked)) return null
      isHeld = true
      arrived.resolve()
      await released.promise
      return null
    },
  }
  /** Rejects where the command ends without it. */
  const arrivedFrom = ({ finished }: Started): Promise<void> =>
    Promise.race([
      arrived.promise,
      finished.then(({ stdout, stderr }) => Promise.reject(new Error(`it was never sent:\n${stdout}\n${stderr}`))),
    ])
  return { arrived: arrived.promise, arrivedFrom, release: released.resolve, later }
}

it.each<[what: string, isIt: (asked: Asked) => boolean, signal: 'SIGINT' | 'SIGTERM']>([
  ['an object is written', ({ method, key }) => method === 'PUT' && key.endsWith('/object'), 'SIGINT'],
  ['an upload is begun', ({ method, query }) => method === 'POST' && query.has('uploads'), 'SIGINT'],
  ['a part is sent', ({ query }) => query.has('partNumber'), 'SIGTERM'],
  ['a presigned URL is used', ({ method, key }) => method === 'PUT' && key.endsWith('/presigned'), 'SIGINT'],
  ['a form is sent', ({ method, path }) => method === 'POST' && path === `/${bucket}`, 'SIGINT'],
])('removes everything after an interruption while %s', async (_, isIt, signal) => {
  await faulty.store.setBucketCors(bucket, [{ ...reading, allowedOrigins: [origin] }])
  const held = hold(isIt)
  const started = bench.start(doctor('--json', '--fix'))
  await held.arrivedFrom(started)
  started.child.kill(signal)
  await started.until(/Interrupted\. Cleaning up/)
  held.release()
  const report = reported(await started.finished)
  expect(report).toMatchObject({ exitCode: 130, ok: false, interrupted: true, left: [] })
  expect(report.results.map(({ check }) => check)).not.toContain('delete')
  // Nothing more was begun, --fix least of all.
  const tidying = held.later.map(({ method, query }) => `${method}${query.has('uploads') ? ' uploads' : ''}`)
  expect(tidying.filter((one) => !['DELETE', 'GET uploads'].includes(one))).toEqual([])
  expect(await rulesNow()).toHaveLength(1)
  expect(await stored()).toEqual([])
})

it('deletes an upload whose creation got no response, and continues with the rest', async () => {
  const begun = Promise.withResolvers<void>()
  faulty.fault = {
    async answer({ method, query, key }, store) {
      if (method !== 'POST' || !query.has('uploads')) return null
      await store.createMultipartUpload({ bucket, key }, {})
      begun.resolve()
      return new Promise(() => {})
    },
  }
  const { child, finished } = bench.start(doctor())
  await begun.promise
  child.kill('SIGINT')
  const { exitCode, stdout } = await finished
  expect(exitCode).toBe(130)
  expect(stdout).toMatch(/✔ list/)
  expect(stdout).not.toMatch(/multipart/)
  expect(await stored()).toEqual([])
})

it('deletes everything if the reader of its output has closed', async () => {
  const held = hold(({ method, key }) => method === 'PUT' && key.endsWith('/object'))
  const child = spawn(process.execPath, [script, ...doctor()], { cwd: bench.path, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  await held.arrived
  child.stdout.destroy()
  held.release()
  await ended
  expect(await stored()).toEqual([])
})

it('names the objects that it could not delete', async () => {
  faulty.fault = { answer: ({ method }) => (method === 'DELETE' ? refusal(403, 'AccessDenied') : null) }
  const finished = await bench.run(doctor('--json'))
  const report = reported(finished)
  expect(report.exitCode).toBe(1)
  const there = await stored()
  expect(new Set(report.left)).toEqual(new Set(there))
  expect(there.length).toBeGreaterThan(0)
  for (const key of there) expect(finished.stderr).toContain(key)
})
