/**
 * System calls fail because there is no space, quota or descriptor (rows 114 and 119 of docs/security.md). The write is
 * rejected and leaves nothing, reads continue, and the same request succeeds once the resource is available.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { send } from './caller.ts'
import { kept, put, startFaultHarness, tryFile, type FaultHarness } from './fault-harness.ts'
import { noteFigures } from './figures.ts'
import { checkConsistency } from './check-consistency.ts'

const small = randomBytes(1000)
const large = randomBytes(3 << 20)

let harness: FaultHarness
let faults = 0
beforeAll(async () => {
  harness = await startFaultHarness()
})
afterAll(async () => {
  await harness.close()
  noteFigures('system-calls', { 'system calls that failed': faults, 'lost or wrong': 0 })
})

const inStorage = (name: string): string => join(harness.installation.storage, name)
const status = async (answer: Promise<{ status: number }>): Promise<number> => (await answer).status

async function expectUnharmed(): Promise<void> {
  expect(await harness.temporary()).toEqual([])
  await harness.expectReads()
  expect(await harness.readiness()).toBe(200)
}

describe('the bytes of an object', () => {
  it.each([
    ['ENOSPC', 507, 'small', small, { thread: 'main' as const, when: '1' }],
    ['EDQUOT', 507, 'small', small, { thread: 'main' as const, when: '1' }],
    ['ENOSPC', 507, 'large', large, { thread: 'pool' as const }],
    ['EDQUOT', 507, 'large', large, { thread: 'pool' as const }],
  ])('%s is answered with %i for a %s object', async (errno, answer, size, body, where) => {
    const key = `no-space-${size}`
    const fault = { calls: ['pwrite64', 'pwritev'], fault: errno, ...where }
    expect(await harness.during(fault, () => status(put(harness.caller, key, body)))).toBe(answer)
    faults++
    await expectUnharmed()
    expect(await status(harness.caller.s3('HEAD', key).then(send))).toBe(404)
    expect(await status(put(harness.caller, key, body))).toBe(200)
    expect((await send(await harness.caller.s3('GET', key))).body).toEqual(body)
    await send(await harness.caller.s3('DELETE', key))
  })

  it.each(['EMFILE', 'ENFILE'])('%s is answered with 503, and open files are still read', async (errno) => {
    await harness.expectReads()
    await harness.during({ calls: ['openat'], fault: errno, thread: 'pool' }, async () => {
      expect(await status(put(harness.caller, 'no-descriptor', small))).toBe(503)
      expect((await send(await harness.caller.s3('GET', 'kept'))).body).toEqual(kept)
    })
    faults++
    await expectUnharmed()
    expect(await status(put(harness.caller, 'no-descriptor', small))).toBe(200)
    await send(await harness.caller.s3('DELETE', 'no-descriptor'))
  })

  it.each(['ENOSPC', 'EDQUOT'])(
    '%s that only the sync reports is answered with 507, and later writes succeed',
    async (errno) => {
      const fault = { calls: ['fsync', 'fdatasync'], fault: errno, thread: 'pool' as const, when: '1' }
      expect(await harness.during(fault, () => status(put(harness.caller, 'late', small)))).toBe(507)
      faults++
      await expectUnharmed()
      expect(await status(put(harness.caller, 'late', small))).toBe(200)
    },
  )
})

describe('a database', () => {
  it.each(['ENOSPC', 'EDQUOT'])(
    'the index: %s is 500, and the next write applies what the log holds',
    async (errno) => {
      const fault = { calls: ['pwrite64'], fault: errno, path: inStorage('index.sqlite-wal') }
      expect(await harness.during(fault, () => status(put(harness.caller, 'unindexed', small)))).toBe(500)
      faults++
      await expectUnharmed()
      expect(await status(put(harness.caller, 'next', small))).toBe(200)
      expect((await send(await harness.caller.s3('GET', 'unindexed'))).body).toEqual(small)
      await send(await harness.caller.s3('DELETE', 'unindexed'))
    },
  )

  it.each(['ENOSPC', 'EDQUOT'])('the catalog: %s is 503', async (errno) => {
    const fault = { calls: ['pwrite64'], fault: errno, path: `${harness.installation.catalog}-wal` }
    const { answers } = await harness.during(fault, () => tryFile(harness.caller, small))
    expect(answers.map((answer) => answer.status)).toEqual([503])
    faults++
    await expectUnharmed()
    expect((await tryFile(harness.caller, small)).answers.at(-1)!.status).toBe(201)
  })

  it('logs the missing resource', async () => {
    await expect.poll(() => harness.server().log()).toContain('database or disk is full')
    await expect.poll(() => harness.server().log()).toContain('no space is left for the catalog')
  })
})

it('leaves a consistent store', async () => {
  expect(await harness.server().stop()).toBe(0)
  expect(await checkConsistency(harness.installation)).toEqual([])
})
