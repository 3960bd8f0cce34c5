/**
 * Each sync of an operation fails in turn: fsync returns EIO, or the process is killed during it (rows 113 and 115 of
 * docs/security.md).
 */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sha256, send, type Answer, type Caller } from './caller.ts'
import { beginParts, put, startFaultHarness, tryFile, type FaultHarness } from './fault-harness.ts'
import { noteFigures } from './figures.ts'
import { checkConsistency } from './check-consistency.ts'

const before = Buffer.from('what the key held before\n')
const after = Buffer.from('what it was replaced with\n')
const syncs = ['fsync', 'fdatasync']
/** More syncs than any operation makes. */
const enough = 12

type Operation = {
  /** Done before the fault; what it returns is handed to `run`. */
  prepare?: (caller: Caller) => Promise<string>
  /** The answers in their order; it ends with the first that is none of 2xx. */
  run: (caller: Caller, prepared: string) => Promise<Answer[]>
}

const operations: Record<string, Operation> = {
  'a PUT that replaces': { run: async (caller) => [await put(caller, 'replaced', after)] },
  'an upload of a file': { run: async (caller) => (await tryFile(caller, after)).answers },
  'a part': {
    prepare: (caller) => beginParts(caller, 'parts'),
    run: async (caller, uploadId) => [
      await send(await caller.s3('PUT', 'parts', { query: { partNumber: '1', uploadId }, body: after })),
    ],
  },
  'a deletion': { run: async (caller) => [await send(await caller.s3('DELETE', 'deleted'))] },
}

let harness: FaultHarness
beforeEach(async () => {
  harness = await startFaultHarness()
})
afterEach(() => harness.close())

let injected = 0

/** One fault, and all that must hold after it. False when the operation made fewer syncs than `when`. */
async function hit(
  operation: Operation,
  fault: 'EIO' | 'KILL',
  thread: 'main' | 'pool',
  when: number,
): Promise<boolean> {
  const { caller } = harness
  await put(caller, 'replaced', before)
  await put(caller, 'deleted', before)
  const prepared = (await operation.prepare?.(caller)) ?? ''
  // The first write of a process makes folders, and their syncs shall be hit too.
  await harness.restart()
  const answers = await harness.during({ calls: syncs, fault, when: String(when), thread }, async () => {
    // A process that is killed answers nothing.
    const answered = await operation.run(caller, prepared).catch(() => null)
    return answered
  })
  if (answers?.every(({ status }) => status < 300)) return false
  injected++
  if (fault === 'EIO') await expectLatched(answers)
  await harness.restart()
  await harness.expectReads()
  await expectWhole('replaced', [before, after])
  await expectWhole('deleted', [before, null])
  expect(await harness.temporary()).toEqual([])
  expect((await operation.run(caller, prepared)).at(-1)!.status).toBeLessThan(300)
  return true
}

/** The answer is 500, or 503 where the readiness check met the fault first; nothing is left over; reads go on, writes do not, and the server says that it is not ready. */
async function expectLatched(answers: Answer[] | null): Promise<void> {
  const { caller } = harness
  expect([500, 503]).toContain(answers?.at(-1)?.status)
  expect(await harness.temporary()).toEqual([])
  await harness.expectReads()
  // Computed in the background.
  await expect.poll(() => harness.readiness(), { timeout: 15_000 }).toBe(503)
  const { answers: later } = await tryFile(caller, after)
  expect(later.at(-1)!.status).toBe(503)
}

/** An answer of 500 promises nothing either way: the key has one of the contents, whole. */
async function expectWhole(key: string, contents: (Buffer | null)[]): Promise<void> {
  const { status, body } = await send(await harness.caller.s3('GET', key))
  expect([200, 404]).toContain(status)
  const allowed = contents.map((content) => (content === null ? null : sha256(content)))
  expect(allowed).toContain(status === 404 ? null : sha256(body))
}

const cases = Object.keys(operations).flatMap((name) =>
  (['EIO', 'KILL'] as const).flatMap((fault) =>
    (['pool', 'main'] as const).map((thread) => [fault, thread, name] as const),
  ),
)

it.each(cases)('survives %s in each sync of the %s thread during %s', async (fault, thread, name) => {
  let when = 1
  while (await hit(operations[name]!, fault, thread, when)) {
    expect(when).toBeLessThan(enough)
    when++
  }
  // A deletion waits for the index alone.
  expect(when).toBeGreaterThan(name === 'a deletion' && thread === 'pool' ? 0 : 1)
  await harness.server().stop()
  expect(await checkConsistency(harness.installation)).toEqual([])
  noteFigures('syncs', { 'syncs that failed or were killed in': injected, 'lost or wrong': 0 })
})
