import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { as, textFile } from '../api/caller.ts'
import { createCatalog } from '../../src/catalog/create-catalog.ts'
import { startGateway } from '../fixtures/gateway.ts'
import { makeBench, type Bench } from './run-postern.ts'

// Each command is a separate process, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

let bench: Bench
beforeEach(() => {
  bench = makeBench()
})
afterEach(() => bench.remove())

const database = (): string => `sqlite:${join(bench.path, 'catalog.sqlite')}`
const run = (...args: string[]) => bench.run(['gc', '--set', `database.url=${database()}`, ...args])
const gc = async (...args: string[]): Promise<Record<string, any>> => {
  const { exitCode, stdout } = await run('--json', ...args)
  return { exitCode, ...(JSON.parse(stdout) as object) }
}

/** Three days ago: an upload that nobody confirmed, and an object that no record knows. */
async function leaveThings(): Promise<void> {
  const now = (): Date => new Date(Date.now() - 3 * 86_400_000)
  const gateway = await startGateway({}, { dir: bench.path, now })
  const { status } = await (await as(gateway, 'alice')).post('/files/upload-url', textFile)
  expect(status).toBe(200)
  await gateway.gateway.driver.putObject(
    { bucket: 'postern', key: 'uploads/stray.txt' },
    Readable.from([Buffer.from('x')]),
  )
  await gateway.close()
}

const due = { overdue: 1, toClear: 0, idle: 0 }
const orphans = { objects: 1, bytes: 1, uploads: 0, young: 0, removed: 0 }

it('reports with --dry-run, leaves the work to a server with the lease, and otherwise does it', async () => {
  await leaveThings()
  expect(await gc('--dry-run', '--orphans')).toMatchObject({
    exitCode: 0,
    ok: true,
    dryRun: true,
    due,
    collected: null,
    byServer: false,
    orphans,
  })

  const catalog = await createCatalog({ url: database() })
  const turn = { holder: 'a running server', now: new Date(), until: new Date(Date.now() + 60_000) }
  expect(await catalog.takeLease('collect', turn)).toBe(true)
  expect(await gc()).toMatchObject({ exitCode: 0, due, collected: null, byServer: true, orphans })
  expect((await run()).stdout.trim().split('\n')).toEqual([
    'Due: 1 unconfirmed upload, 0 uploads to clean up.',
    expect.stringMatching(/^Not deleted by this command: a running server deletes what is due every minute\./),
    'Orphans: 1 object (1 byte) and 0 multipart uploads. Deleted: 0. Too young: 0.',
    expect.stringMatching(/^Orphans were only counted\. .*postern gc --orphans$/),
  ])
  await catalog.dropLease('collect', turn.holder)
  await catalog.close()

  const collected = { confirmed: 0, expired: 1, cleared: 1, aborted: 0, failed: 0 }
  expect(await gc()).toMatchObject({ exitCode: 0, due, collected, byServer: false, orphans })
  const { stdout, exitCode } = await run()
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('Due: 0 unconfirmed uploads, 0 uploads to clean up.')])
  expect(stdout).toContain('Orphans: 1 object (1 byte) and 0 multipart uploads. Deleted: 0. Too young: 0.')
})

it('deletes orphans on request if the catalog has any file', async () => {
  await leaveThings()
  const taken = await run('--orphans')
  expect(taken).toMatchObject({
    exitCode: 1,
    stdout: '',
    stderr: expect.stringMatching(/Check that database\.url names the catalog/),
  })
  const gateway = await startGateway({}, { dir: bench.path })
  await (await as(gateway, 'alice')).post('/files/upload-url', textFile)
  await gateway.close()
  expect(await gc('--orphans')).toMatchObject({ exitCode: 0, orphans: { ...orphans, removed: 1 } })
  expect(await gc('--orphans')).toMatchObject({ exitCode: 0, orphans: { objects: 0, removed: 0 } })
})

it('refuses a grace period shorter than an upload, and a missing catalog', async () => {
  expect(await run('--orphans', '--grace', '5m')).toMatchObject({ exitCode: 2, stdout: '' })
  expect(await run()).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/There is no store at/) })
})

it('aborts multipart uploads of access keys that have had no part for storage.abortMultipartAfter', async () => {
  const now = (): Date => new Date(Date.now() - 3 * 86_400_000)
  const gateway = await startGateway({}, { dir: bench.path, now })
  await gateway.gateway.driver.createBucket('alice-1', { owner: 'alice' })
  await gateway.gateway.driver.createMultipartUpload({ bucket: 'alice-1', key: 'left' })
  await gateway.close()
  expect(await gc()).toMatchObject({ due: { idle: 0 }, collected: { aborted: 0 } })
  const after = ['--set', 'storage.abortMultipartAfter=2d']
  expect(await gc('--dry-run', ...after)).toMatchObject({ due: { idle: 1 }, collected: null })
  const { stdout } = await run(...after)
  expect(stdout).toContain('0 uploads to clean up, 1 multipart upload of access keys to abort.')
  expect(stdout).toContain('1 multipart upload aborted')
  expect(await gc(...after)).toMatchObject({ due: { idle: 0 }, collected: { aborted: 0 } })
})
