/**
 * The order of system calls (rows 109 to 111 and 116 of docs/security.md): the bytes are synced before the rename, the
 * directory after it, then the log. Then the index is written, and only then the server sends a 2xx response.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { send } from './caller.ts'
import { beginParts, put, startFaultHarness, tryFile, type FaultHarness } from './fault-harness.ts'
import { attach, readTrace, type Call } from './strace.ts'

const calls = [
  'fsync',
  'fdatasync',
  'rename',
  'renameat',
  'renameat2',
  'mkdir',
  'mkdirat',
  'write',
  'writev',
  'pwrite64',
  'pwritev',
]

let harness: FaultHarness
beforeAll(async () => {
  harness = await startFaultHarness()
})
afterAll(() => harness.close())

/** What the process asked of the system while `act` ran, by a process that has written nothing before. */
async function traceOf(act: () => Promise<unknown>): Promise<Call[]> {
  await harness.restart()
  const to = join(harness.dir, 'order')
  const tracing = await attach(harness.server().pid, { calls, to })
  await act()
  await tracing.detach()
  return readTrace(to)
}

const isSync = ({ name, result }: Call): boolean => /^f(data)?sync$/.test(name) && result.startsWith('0')
const on = (path: RegExp) => (call: Call) => path.test(call.args)
const answered = (call: Call): boolean => /^writev?$/.test(call.name) && /HTTP\/1\.1 2\d\d/.test(call.args)

/** The first of the calls that begins after the one before has ended; fails with what is missing. */
function after(seen: readonly Call[], before: Call | null, what: string, is: (call: Call) => boolean): Call {
  const found = seen.find((call) => call.begun > (before?.ended ?? -1) && is(call))
  if (!found) throw new Error(`no ${what} after ${before ? `${before.name}(${before.args})` : 'the beginning'}`)
  return found
}

const log = /\/objects\/log\/\d+\.pack>/

/** Follows one blob from its temporary file to the answer. */
function expectDurable(seen: readonly Call[]): void {
  const rename = seen.find((call) => call.name.startsWith('rename') && /\/tmp\/[0-9a-f]{32}"/.test(call.args))
  const [, temporary = '', name = ''] =
    /\/tmp\/([0-9a-f]{32})".*\/objects\/([0-9a-f/]+)"/.exec(rename?.args ?? '') ?? []
  expect(temporary).not.toBe('')
  const folder = new RegExp(`/objects/${name.slice(0, 5)}>`)
  const bytes = seen.findLast((call) => call.name.startsWith('pwrite') && call.args.includes(`/tmp/${temporary}>`))!
  const synced = after(
    seen,
    bytes,
    'sync of the bytes',
    (call) => isSync(call) && call.args.includes(`/tmp/${temporary}>`),
  )
  expect(synced.ended).toBeLessThan(rename!.begun)
  const named = after(seen, rename!, 'sync of the directory', (call) => isSync(call) && on(folder)(call))
  const logged = after(seen, named, 'append to the log', (call) => call.name === 'pwrite64' && on(log)(call))
  const committed = after(seen, logged, 'sync of the log', (call) => isSync(call) && on(log)(call))
  const indexed = after(
    seen,
    committed,
    'commit of the index',
    (call) => call.name === 'pwrite64' && on(/index\.sqlite-wal>/)(call),
  )
  after(seen, indexed, 'answer of 2xx', answered)
  const early = seen.filter((call) => answered(call) && call.begun > bytes.begun && call.begun < committed.ended)
  expect(early).toEqual([])
}

/** No 2xx leaves between a write to a database or the log and the sync that follows it. */
function expectCommitted(seen: readonly Call[], wal: RegExp): void {
  const writes = seen.filter((call) => call.name === 'pwrite64' && wal.test(call.args))
  expect(writes.length).toBeGreaterThan(0)
  for (const write of writes) {
    const committed = after(seen, write, 'sync of the log', (call) => isSync(call) && wal.test(call.args))
    const early = seen.filter((call) => answered(call) && call.begun > write.begun && call.begun < committed.ended)
    expect(early).toEqual([])
  }
}

it.each([
  ['small', 1000],
  ['large', 3 << 20],
])('a %s object: syncs bytes, directory and log, then writes the index, then answers', async (_, size) => {
  const body = randomBytes(size)
  expectDurable(await traceOf(async () => expect((await put(harness.caller, 'ordered', body)).status).toBe(200)))
})

it('a part: syncs bytes, directory and log, then writes the index, then answers', async () => {
  const uploadId = await beginParts(harness.caller, 'parts')
  const body = randomBytes(1000)
  const request = await harness.caller.s3('PUT', 'parts', { query: { partNumber: '1', uploadId }, body })
  expectDurable(await traceOf(async () => expect((await send(request)).status).toBe(200)))
})

it('a file: syncs its bytes like any object, and the catalog’s commit before each response', async () => {
  const seen = await traceOf(async () =>
    expect((await tryFile(harness.caller, randomBytes(1000))).answers).toHaveLength(3),
  )
  expectDurable(seen)
  expectCommitted(seen, /catalog\.sqlite-wal>/)
  expectCommitted(seen, log)
})

it('a deletion: syncs the log before the response', async () => {
  await put(harness.caller, 'doomed', randomBytes(10))
  const request = await harness.caller.s3('DELETE', 'doomed')
  expectCommitted(await traceOf(async () => expect((await send(request)).status).toBe(204)), log)
})

it('a new folder: syncs its parent before a file is renamed into it', async () => {
  const seen = await traceOf(() => put(harness.caller, 'first', randomBytes(10)))
  const made = seen.filter(
    (call) => call.name.startsWith('mkdir') && /\/objects\//.test(call.args) && call.result.startsWith('0'),
  )
  expect(made.length).toBeGreaterThan(0)
  const rename = seen.find((call) => call.name.startsWith('rename') && /\/objects\//.test(call.args))!
  for (const call of made) {
    const [, parent = ''] = /"(.*)\/[0-9a-f]{2}"/.exec(call.args) ?? []
    const synced = after(seen, call, `sync of ${parent}`, (one) => isSync(one) && one.args.includes(`${parent}>`))
    expect(synced.ended).toBeLessThan(rename.begun)
  }
})
