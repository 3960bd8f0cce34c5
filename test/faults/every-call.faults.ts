/**
 * Each system call on the files of a store fails in turn: while the server starts, sweeps and stops, in `gc`, in
 * `verify`, and on the files of its logs. In each case the process exits with a message or continues to serve. No
 * acknowledged change is lost, nothing is deleted wrongly, and the next start without faults succeeds.
 *
 * The seed selects a sample. POSTERN_FAULTS_EVERY_CALL sets the seconds for each workload (12). `all` runs every call
 * with every error, which takes about an hour.
 */
import {
  cpSync,
  openSync,
  closeSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { createDiskDriver } from '../../src/drivers/disk/disk-driver.ts'
import { verifyStore } from '../../src/drivers/disk/verify/verify-store.ts'
import { collect } from '../conformance/driver/suite-tools.ts'
import { diskOptions } from '../drivers/disk-fixture.ts'
import { makeCaller, send, xmlText, type Caller } from './caller.ts'
import { uploadFile } from './fault-harness.ts'
import { buildShim, type Errno, type FailingCalls } from './failing-calls/shim.ts'
import { noteFigures } from './figures.ts'
import { makeBucket } from './workload.ts'
import { checkConsistency } from './check-consistency.ts'
import { seededRandom } from './seeded-random.ts'
import { bucket, createInstallation, type Server, type Installation } from './installation.ts'

const wanted = process.env['POSTERN_FAULTS_EVERY_CALL'] ?? '12'
const isWhole = wanted === 'all'
/** Milliseconds for a sample of one workload, and the least number of faults in it. */
const sample = { time: Number(wanted) * 1000, least: 3 }
/** Milliseconds after which a process counts as hanging. */
const patience = 60_000

const kept = new Map([
  ['small', Buffer.from('a small object')],
  ['large', Buffer.alloc(300_000, 'large')],
  ['replaced', Buffer.from('the second content')],
  ['parts', Buffer.concat([Buffer.alloc(5 << 20, 'a'), Buffer.from('the end')])],
])
const fileBytes = Buffer.from('the bytes of a file')
/** Blobs without a row, old enough to be orphans. */
const orphans = ['0123456789abcdef0123456789abcdef', 'fedcba9876543210fedcba9876543210']

let dir: string
let installation: Installation
let logs: string
let shim: FailingCalls
let caller: Caller
let faults = 0

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'postern-every-call-'))
  logs = join(dir, 'logs')
  installation = await createInstallation({
    storage: join(dir, 'storage'),
    outside: dir,
    settings: { log: { level: 'info', audit: join(logs, 'audit.log') } },
  })
  mkdirSync(logs)
  shim = buildShim(dir)
  const server = installation.start()
  await server.ready
  await makeBucket(installation)
  caller = await makeCaller(installation, 'alice')
  await fill()
  await server.stop()
  for (const id of orphans) {
    const folder = join(installation.storage, 'objects', id.slice(0, 2), id.slice(2, 4))
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, id), 'an orphan')
    const old = Date.now() / 1000 - 3 * 86_400
    utimesSync(join(folder, id), old, old)
  }
  writeFileSync(join(installation.storage, 'tmp', 'f'.repeat(32)), 'left by a crash')
  cpSync(installation.storage, join(dir, 'template'), { recursive: true, preserveTimestamps: true })
}, 120_000)

afterAll(async () => {
  noteFigures('every-call', { 'calls that failed': faults, 'lost or wrong': 0 })
  await rm(dir, { recursive: true, force: true })
})

async function fill(): Promise<void> {
  const put = async (key: string, body: Buffer): Promise<void> => {
    expect((await send(await caller.s3('PUT', key, { body }))).status).toBe(200)
  }
  for (const key of ['small', 'large']) await put(key, kept.get(key)!)
  await put('replaced', Buffer.from('the first content'))
  await put('replaced', kept.get('replaced')!)
  await put('deleted', Buffer.from('deleted'))
  await send(await caller.s3('DELETE', 'deleted'))
  const uploadId = await begin('parts')
  const etags: string[] = []
  for (const [i, body] of [kept.get('parts')!.subarray(0, 5 << 20), kept.get('parts')!.subarray(5 << 20)].entries()) {
    const query = { partNumber: String(i + 1), uploadId }
    etags.push((await send(await caller.s3('PUT', 'parts', { query, body }))).headers.get('etag')!)
  }
  const listed = etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`)
  const body = `<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`
  expect((await send(await caller.s3('POST', 'parts', { query: { uploadId }, body }))).status).toBe(200)
  await send(
    await caller.s3('PUT', 'open', { query: { partNumber: '1', uploadId: await begin('open') }, body: fileBytes }),
  )
  await uploadFile(caller, fileBytes)
}

const begin = async (key: string): Promise<string> =>
  xmlText(await send(await caller.s3('POST', key, { query: { uploads: '' } })), 'UploadId')

function restoreTemplate(): void {
  rmSync(installation.storage, { recursive: true, force: true })
  cpSync(join(dir, 'template'), installation.storage, { recursive: true, preserveTimestamps: true })
  rmSync(logs, { recursive: true, force: true })
  mkdirSync(logs)
}

/** What the process does with the fault; what it wrote that was acknowledged, and what is wrong. */
type Seen = { acknowledged: Map<string, Buffer>; wrong: string[] }

const within = async <T>(work: Promise<T>): Promise<T | 'hangs'> =>
  Promise.race([work, sleep(patience, 'hangs' as const, { ref: false })])

/** A refusal names a remedy or a path, and shows no stack. */
function wrongWords(text: string): string[] {
  const wrong: string[] = []
  if (/^ {4}at /m.test(text)) wrong.push(`shows a stack: ${text.slice(0, 1500)}`)
  if (!/[a-z]{3,} [a-z]{2,}.*\./i.test(text)) wrong.push(`says nothing: ${text}`)
  return wrong
}

async function serveOnce(env: Record<string, string>, o: { logsToFile?: boolean } = {}): Promise<Seen> {
  const seen: Seen = { acknowledged: new Map(), wrong: [] }
  const stderr = o.logsToFile ? openSync(join(logs, 'stderr.log'), 'a') : undefined
  const server = installation.start({ env, ...(stderr !== undefined && { stderr }) })
  if (stderr !== undefined) closeSync(stderr)
  const words = (): string => (o.logsToFile ? readFileSync(join(logs, 'stderr.log'), 'utf8') : server.log())
  const began = await within(
    Promise.race([
      server.ready.then(
        () => 'ready',
        () => 'ended',
      ),
      server.exited,
    ]),
  )
  if (began === 'ready') await use(server, seen, o.logsToFile === true)
  else if (began === 'hangs') seen.wrong.push('the start hangs')
  else {
    const code = await server.exited
    if (code !== 1 && code !== 2) seen.wrong.push(`the start ended with ${code}: ${words()}`)
    if (!/"ok":false/.test(server.output())) seen.wrong.push(`no refusal in JSON: ${server.output()} ${words()}`)
    // Its log cannot say what its output said.
    seen.wrong.push(...wrongWords(o.logsToFile ? server.output() : words()))
  }
  await server.kill()
  return seen
}

async function use(server: Server, { acknowledged, wrong }: Seen, mustServe: boolean): Promise<void> {
  const ask = async (what: string, work: () => Promise<{ status: number; body: Buffer }>) => {
    const answer = await work().catch((error: Error) => ({ status: 0, body: Buffer.from(error.message) }))
    if (answer.status === 0) wrong.push(`${what}: no answer (${answer.body.toString()}) ${server.log()}`)
    if (mustServe && answer.status >= 400) wrong.push(`${what}: ${answer.status} ${answer.body.toString()}`)
    return answer
  }
  const health = await ask('health', () => send({ method: 'GET', url: `${installation.api}/healthz` }))
  if (health.status !== 200) wrong.push(`/healthz is ${health.status}`)
  for (const [key, bytes] of kept) {
    const read = async () =>
      send(await caller.s3('GET', key)).catch((error: Error) => {
        // A read that fails after the headers can only cut the connection.
        if (error.message === 'terminated') return { status: 599, body: Buffer.alloc(0) }
        throw error
      })
    const { status, body } = await ask(`GET ${key}`, read)
    if (status < 500 && (status !== 200 || !body.equals(bytes))) wrong.push(`GET ${key} is ${status}`)
  }
  const body = Buffer.from('written meanwhile')
  const put = await ask('PUT', async () => send(await caller.s3('PUT', 'later', { body })))
  if (put.status === 200) acknowledged.set('later', body)
  else if (![500, 503, 507].includes(put.status)) wrong.push(`PUT is ${put.status}`)
  await send({ method: 'GET', url: `${installation.api}/readyz` })
  server.child.kill('SIGTERM')
  const code = await within(server.exited)
  if (code !== 0) wrong.push(`the stop ended with ${code}: ${server.log()}`)
}

async function runCommand(args: readonly string[], env: Record<string, string>): Promise<Seen> {
  const command = installation.command(args, { env })
  const code = await within(command.exited)
  await command.kill()
  const wrong: string[] = []
  if (code !== 0 && code !== 1 && code !== 2) wrong.push(`${args.join(' ')} ended with ${code}`)
  if (code !== 0) wrong.push(...wrongWords(command.log() || command.output()))
  return { acknowledged: new Map(), wrong }
}

const workloads: Record<string, { below: () => string; run: (env: Record<string, string>) => Promise<Seen> }> = {
  'a start, the first requests and a stop': { below: () => installation.storage, run: (env) => serveOnce(env) },
  'gc --orphans': { below: () => installation.storage, run: (env) => runCommand(['gc', '--orphans'], env) },
  'verify --deep --repair': {
    below: () => installation.storage,
    run: (env) => runCommand(['verify', '--deep', '--repair', '--grace', '1h'], env),
  },
  'the log and the audit log': { below: () => logs, run: (env) => serveOnce(env, { logsToFile: true }) },
}

/** What the next start, without faults, finds wrong. */
async function inspect(acknowledged: Map<string, Buffer>): Promise<string[]> {
  const wrong: string[] = []
  const driver = await createDiskDriver(diskOptions(installation.storage)).catch((error: Error) => error)
  if (driver instanceof Error) return [`the next start is refused: ${driver.message}`]
  for (const [key, bytes] of [...kept, ...acknowledged]) {
    const read = await driver.getObject({ bucket, key }).then(
      async (object) => collect(object.stream()),
      (error: Error) => error.message,
    )
    if (typeof read === 'string' || !read.equals(bytes))
      wrong.push(`${key} is lost or wrong: ${String(read).slice(0, 200)}`)
  }
  await driver.close()
  await verifyStore({
    path: installation.storage,
    deep: true,
    repair: false,
    grace: 3600,
    tempGrace: 3600,
    signal: new AbortController().signal,
    report: {
      count: () => {},
      problem: (problem) => {
        if (!orphans.some((id) => JSON.stringify(problem).includes(id))) wrong.push(JSON.stringify(problem))
      },
    },
  })
  const files = readdirSync(installation.storage, { recursive: true }) as string[]
  for (const id of orphans) if (!files.some((name) => name.endsWith(id))) wrong.push(`the orphan ${id} was deleted`)
  wrong.push(...(await checkConsistency(installation)))
  return wrong
}

async function hit(
  name: string,
  errno: Errno,
  at: number,
): Promise<{ failed: string | null; seen: number; wrong: string[] }> {
  const { below, run } = workloads[name]!
  restoreTemplate()
  const { acknowledged, wrong } = await run(shim.env({ below: below(), at, errno }))
  const { failed, seen } = shim.report()
  if (failed !== null) faults++
  return { failed, seen, wrong: [...wrong, ...(await inspect(acknowledged))] }
}

const all: readonly Errno[] = ['EIO', 'ENOSPC', 'EACCES']
const cases = Object.keys(workloads).flatMap((name): [string, readonly Errno[]][] =>
  isWhole ? all.map((errno) => [name, [errno]]) : [[name, all]],
)

it.each(cases)(
  '%s survives %s in each call',
  // A fault that shows once is one.
  { retry: 0, timeout: isWhole ? 3_600_000 : 300_000 + sample.time },
  async (name, errnos) => {
    const totals = new Map<Errno, number>()
    for (const errno of errnos) {
      const { seen, failed, wrong } = await hit(name, errno, 0)
      expect({ failed, wrong }).toEqual({ failed: null, wrong: [] })
      // A start is stopped before its last calls, so there may be more of them in another run.
      totals.set(errno, seen)
    }
    const found: object[] = []
    const random = seededRandom(inject('seed')).split(name)
    const until = performance.now() + sample.time
    const total = totals.get(errnos[0]!)!
    if (isWhole) console.log(`${name}, ${errnos.join()}: ${total} calls`)
    for (let n = 1; isWhole ? n <= total : n <= sample.least || performance.now() < until; n++) {
      const errno = isWhole ? errnos[0]! : random.pick(errnos)
      const at = isWhole ? n : random.int(1, Math.max(1, totals.get(errno)!))
      const { failed, wrong } = await hit(name, errno, at)
      if (wrong.length > 0) {
        found.push({ errno, at, failed, wrong })
        console.log(JSON.stringify({ name, errno, at, failed, wrong }))
      }
    }
    expect(found).toEqual([])
  },
)
