/** Invalid use of the operator's commands: one clear sentence, the documented exit code, and JSON on request. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { as, store, textFile } from '../api/caller.ts'
import { presign } from '../../src/sigv4/presign.ts'
import { startGateway } from '../fixtures/gateway.ts'
import { makeBench, type Bench, type Finished } from './run-postern.ts'

// Each command is a separate process, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

let bench: Bench
const day = 86_400_000
beforeAll(async () => {
  bench = makeBench()
  for (const folder of ['folder', 'broken/storage']) mkdirSync(join(bench.path, folder), { recursive: true })
  bench.write('empty', '')
  bench.write('junk', 'neither a backup nor a secret nor a database '.repeat(40))
  for (const name of ['catalog', 'index']) bench.write(`broken/storage/${name}.sqlite`, 'no database '.repeat(100))
  // One that is well, with an upload that was never confirmed in time.
  const gateway = await startGateway({}, { dir: bench.path, now: () => new Date(Date.now() - 3 * day) })
  const alice = await as(gateway, 'alice')
  await store(alice, 'some bytes')
  await alice.post('/files/upload-url', textFile)
  await gateway.close()
})
afterAll(() => bench.remove())

const catalog = (): string[] => ['--set', `database.url=sqlite:${join(bench.path, 'catalog.sqlite')}`]
const broken = ['--storage', 'broken/storage']
const url = presign({
  method: 'PUT',
  endpoint: 'http://127.0.0.1:4001',
  bucket: 'postern',
  key: 'a.txt',
  pathStyle: true,
  credentials: { accessKeyId: 'AKIASOMEBODYELSE0001', secretAccessKey: 'somebody-elses-secret-0123456789abcdefgh' },
  region: 'us-east-1',
  expiresIn: 600,
  now: new Date(),
}).url

/** What a caller sees: the code, and one sentence that stands in the JSON and on stderr alike. */
function refusalOf({ exitCode, stdout, stderr }: Finished) {
  const { ok, error } = JSON.parse(stdout) as { ok: unknown; error: string }
  const isSaid = stderr.includes(error.split('\n')[0]!)
  const hasStack = /^ {4}at /m.test(stderr)
  return { exitCode, ok, error, isSaid, hasStack }
}
const refusal = (exitCode: number, said: RegExp) => ({
  exitCode,
  ok: false,
  error: expect.stringMatching(said),
  isSaid: true,
  hasStack: false,
})

describe('invalid arguments exit with 2', () => {
  it.each<[call: string[], said: RegExp]>([
    [['doctor', '--fixx'], /unknown option '--fixx'[^]*--fix/],
    [['doctor', '--origin', '*'], /Write an origin/],
    [['doctor', 'now'], /too many arguments/],
    [['migrate'], /'--to <driver>' not specified/],
    [['migrate', '--to', 'tape'], /Allowed choices are disk, s3/],
    [['migrate', '--to', 'disk', '--rate', '0'], /Write a size/],
    [['migrate', '--to', 'disk', '--grace', '-1s'], /Write a duration/],
    [['migrate', '--to', 's3'], /storage\.driver is disk.*Set storage: \{ driver: s3 \}/],
    [['gc', '--grace', '59m'], /Write at least 1h/],
    [['gc', '--config', ''], /--config is empty/],
    [['verify', '--depp'], /unknown option '--depp'[^]*--deep/],
    [['verify', '--grace', 'soon'], /Write a duration/],
    [['explain'], /missing required argument 'url'/],
    [['explain', 'uploads/a.txt'], /not an http or https URL/],
    [['explain', 'URL', '--method', 'P T'], /Write a method/],
    [['explain', 'URL', '--secret', ''], /--secret is empty/],
    [['explain', 'URL', '--secret-file', 'folder'], /folder is a folder/],
    [['explain', 'URL', '--secret-file', 'empty'], /empty is empty/],
    [['explain', 'URL', '--secret-file', 'nothing'], /There is no file nothing/],
    [['explain', 'URL', '--body', 'junk'], /--body has no effect without --try/],
    [['explain', 'URL', '--try', '--body', 'folder'], /folder is a folder/],
    [['backup'], /missing required argument 'file'/],
    [['backup', 'none/x.tar'], /The folder .*none does not exist/],
    [['backup', 'x.tar', '--since', 'nothing.tar'], /There is no file nothing\.tar/],
    [['backup', 'x.tar', '--since', 'folder'], /folder is a folder/],
    [['restore'], /missing required argument 'files'/],
    [['restore', 'nothing.tar', '--storage', 'new'], /There is no file nothing\.tar/],
    [['restore', 'folder', '--storage', 'new'], /folder is a folder/],
    [['restore', '-', '-', '--storage', 'new'], /Only one backup/],
  ])('%j', async (call, said) => {
    const settled = call[0] === 'backup' ? catalog() : []
    const args = call.map((one) => (one === 'URL' ? url : one))
    expect(refusalOf(await bench.run([...args, ...settled, '--json']))).toEqual(refusal(2, said))
  })

  it('are reported by the command, without --json only as text', async () => {
    expect(await bench.run(['gc', '--grace', '59m'])).toMatchObject({ exitCode: 2, stdout: '' })
  })
})

describe('unusable files and stores exit with 1', () => {
  it.each<[call: string[], said: RegExp]>([
    [['gc', ...broken], /the catalog \S+ is damaged/],
    [['verify', ...broken], /the catalog \S+ is damaged/],
    [['migrate', '--to', 'disk', ...broken], /the catalog \S+ is damaged/],
    [['backup', 'x.tar', ...broken], /A database cannot be copied: \S+ is damaged .*postern doctor/],
    [['restore', 'junk', '--storage', 'new'], /not a Postern backup/],
    [['restore', 'empty', '--storage', 'new'], /truncated/],
    [['gc', '--storage', 'typo'], /There is no store at \S+typo\. Name its folder with --storage/],
    [['gc', '--set', 'database.url=postgres://u:hidden@127.0.0.1:1/x'], /database cannot be reached/],
    [['verify', '--set', 'database.url=postgres://u:hidden@localhost:1/x'], /database cannot be reached/],
  ])('%j', async (call, said) => {
    const finished = await bench.run([...call, '--json'])
    expect(refusalOf(finished)).toEqual(refusal(1, said))
    expect(finished.stderr + finished.stdout).not.toContain('hidden')
  })

  it('a folder without a store reports nothing as deleted', async () => {
    const finished = await bench.run(['gc', '--storage', 'typo', ...catalog(), '--json'])
    expect(refusalOf(finished)).toEqual(refusal(1, /There is no store at \S+typo/))
    expect(readdirSync(bench.path)).not.toContain('typo')
    const { exitCode, stdout } = await bench.run(['gc', ...catalog(), '--dry-run', '--json'])
    expect({ exitCode, ...(JSON.parse(stdout) as object) }).toMatchObject({ exitCode: 0, due: { overdue: 1 } })
  })
})

it('reports a truncated archive and leaves nothing', async () => {
  expect((await bench.run(['backup', 'whole.tar', ...catalog()])).exitCode).toBe(0)
  const whole = await readFile(join(bench.path, 'whole.tar'))
  for (const length of [300, 2000, 60_000, whole.length - 2000]) {
    writeFileSync(join(bench.path, 'cut.tar'), whole.subarray(0, length))
    const finished = await bench.run(['restore', 'cut.tar', '--storage', 'new', '--json'])
    expect(refusalOf(finished)).toEqual(refusal(1, /truncated/))
    expect(readdirSync(bench.path).includes('new') ? readdirSync(join(bench.path, 'new')) : []).toEqual([])
  }
})

it('never mixes text into an archive on stdout', async () => {
  const failed = await bench.run(['backup', '-', '--json', ...broken])
  expect(failed).toMatchObject({ exitCode: 1, stdout: '' })
  expect(JSON.parse(failed.stderr.trim().split('\n').at(-1)!)).toMatchObject({ ok: false })
  const done = await bench.run(['backup', '-', '--json', ...catalog()])
  expect(JSON.parse(done.stderr.trim().split('\n').at(-1)!)).toMatchObject({ ok: true, file: '-' })
  expect(done.stdout.endsWith('\0')).toBe(true)
})
