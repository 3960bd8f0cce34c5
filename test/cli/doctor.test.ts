/** `postern doctor` as a process. test/doctor tests the findings of each check. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { freePort } from './free-port.ts'
import { makeBench, type Bench } from './run-postern.ts'

// Each command is a separate process, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

let bench: Bench
beforeEach(async () => {
  bench = makeBench()
  await bench.makeStore()
  bench.write(
    'config/local.yaml',
    `server: { listen: "127.0.0.1:${await freePort()}" }\nobjects: { listen: "127.0.0.1:${await freePort()}" }\nstorage: { disk: { minFree: 1MiB } }\n`,
  )
})
afterEach(() => bench.remove())

type Report = {
  ok: boolean
  summary: Record<string, number>
  results: { group: string; check: string; outcome: string; fix?: string }[]
  cors: unknown
}
const doctor = async (...args: string[]): Promise<Report & { exitCode: number | null }> => {
  const { exitCode, stdout } = await bench.run(['doctor', '--json', ...args])
  return { exitCode, ...(JSON.parse(stdout) as Report) }
}
/** A temporary folder may lie in memory. */
const notOk = ({ results }: Report) =>
  results
    .filter(({ outcome, check }) => outcome !== 'ok' && check !== 'fsync')
    .map(({ check, outcome }) => `${outcome} ${check}`)
const blobs = (): string[] =>
  readdirSync(join(bench.path, 'storage', 'objects'), { recursive: true, withFileTypes: true })
    .map(({ name }) => name)
    .filter((name) => /^[0-9a-f]{32}$/.test(name))

it('checks a disk without a running server by a temporary endpoint, and leaves nothing', async () => {
  const report = await doctor()
  expect(notOk(report)).toEqual(['unknown server', 'unknown api-url', 'unknown objects-url'])
  expect(report.results.filter(({ group }) => group === 'bucket')).toHaveLength(18)
  expect(readdirSync(join(bench.path, 'storage'))).not.toContain('catalog.sqlite')
})

it('checks a running server, pages included', async () => {
  const server = bench.start(['serve', '--json'])
  await server.until(/^\{"api".*\}$/m)
  const report = await doctor('--origin', 'http://localhost:5173')
  expect(notOk(report)).toEqual([])
  expect(report.results.map(({ check }) => check)).toContain('cors:http://localhost:5173')
  expect(report.cors).toBeNull()
})

it('exits with 1 and says what to do, as text and as JSON', async () => {
  const report = await doctor('--set', 'storage.disk.fsync=none')
  expect(report).toMatchObject({ exitCode: 1, ok: false, summary: { failed: 1 } })
  const { exitCode, stdout } = await bench.run([
    'doctor',
    '--set',
    'storage.disk.fsync=none',
    '--set',
    'storage.disk.minFree=1MiB',
  ])
  expect(exitCode).toBe(1)
  expect(stdout).toMatch(/✖ fsync .*\n\s+Set storage\.disk\.fsync: full/)
  expect(stdout).toMatch(/✔ writable/)
  expect(stdout).toMatch(/\? server/)
  expect(stdout).toMatch(/\d+ passed, 1 failed, 3 not checked\.\n$/)
  expect(blobs().length).toBeLessThan(20)
})

it('explains an unreachable bucket, and does not crash', async () => {
  const bucket = [
    '--driver',
    's3',
    '--set',
    'storage.s3.endpoint=http://127.0.0.1:9',
    '--set',
    'storage.s3.accessKeyId=AKIAABCDEFGHIJKLMNOP',
    '--set',
    'storage.s3.secretAccessKey=kqX1mB7zD0pWcR5tVn2y',
  ]
  const report = await doctor(...bucket)
  expect(report.exitCode).toBe(1)
  expect(report.results.find(({ check }) => check === 'reach')).toMatchObject({
    outcome: 'failed',
    fix: expect.stringMatching(/storage\.s3\.endpoint/),
  })
})

it('refuses invalid arguments', async () => {
  expect(await bench.run(['doctor', '--origin', 'app.example.com/x'])).toMatchObject({ exitCode: 2, stdout: '' })
  expect(await bench.run(['doctor', '--set', 'storage.nothing=1'])).toMatchObject({ exitCode: 2, stdout: '' })
})
