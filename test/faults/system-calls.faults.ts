/**
 * Rows 114 and 119: the system refuses a call for want of space, quota or descriptors. The write is refused, nothing of
 * it stays, reads go on, and the same request succeeds once the system has what it lacked.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { send } from './caller.ts'
import { kept, put, startFaultRig, tryFile, type FaultRig } from './fault-rig.ts'
import { noteFigures } from './figures.ts'
import { judge } from './judge.ts'

const small = randomBytes(1000)
const large = randomBytes(3 << 20)

let rig: FaultRig
let faults = 0
beforeAll(async () => {
  rig = await startFaultRig()
})
afterAll(async () => {
  await rig.close()
  noteFigures('system-calls', { 'system calls that failed': faults, 'lost or wrong': 0 })
})

const inStorage = (name: string): string => join(rig.site.storage, name)
const status = async (answer: Promise<{ status: number }>): Promise<number> => (await answer).status

async function expectUnharmed(): Promise<void> {
  expect(await rig.temporary()).toEqual([])
  await rig.expectReads()
  expect(await rig.readiness()).toBe(200)
}

describe('bytes of an object', () => {
  it.each([
    ['ENOSPC', 507, 'small', small, { thread: 'main' as const, when: '1' }],
    ['EDQUOT', 507, 'small', small, { thread: 'main' as const, when: '1' }],
    ['ENOSPC', 507, 'large', large, { thread: 'pool' as const }],
    ['EDQUOT', 507, 'large', large, { thread: 'pool' as const }],
  ])('%s is %i, for a %s one', async (errno, answer, size, body, where) => {
    const key = `no-space-${size}`
    const fault = { calls: ['pwrite64', 'pwritev'], fault: errno, ...where }
    expect(await rig.during(fault, () => status(put(rig.caller, key, body)))).toBe(answer)
    faults++
    await expectUnharmed()
    expect(await status(rig.caller.s3('HEAD', key).then(send))).toBe(404)
    expect(await status(put(rig.caller, key, body))).toBe(200)
    expect((await send(await rig.caller.s3('GET', key))).body).toEqual(body)
    await send(await rig.caller.s3('DELETE', key))
  })

  it.each(['EMFILE', 'ENFILE'])('%s is 503; what is open already is read', async (errno) => {
    await rig.expectReads()
    await rig.during({ calls: ['openat'], fault: errno, thread: 'pool' }, async () => {
      expect(await status(put(rig.caller, 'no-descriptor', small))).toBe(503)
      expect((await send(await rig.caller.s3('GET', 'kept'))).body).toEqual(kept)
    })
    faults++
    await expectUnharmed()
    expect(await status(put(rig.caller, 'no-descriptor', small))).toBe(200)
    await send(await rig.caller.s3('DELETE', 'no-descriptor'))
  })

  it.each(['ENOSPC', 'EDQUOT'])('%s that only the sync tells is 507, and writes go on', async (errno) => {
    const fault = { calls: ['fsync', 'fdatasync'], fault: errno, thread: 'pool' as const, when: '1' }
    expect(await rig.during(fault, () => status(put(rig.caller, 'late', small)))).toBe(507)
    faults++
    await expectUnharmed()
    expect(await status(put(rig.caller, 'late', small))).toBe(200)
  })
})

describe('a database', () => {
  it.each(['ENOSPC', 'EDQUOT'])(
    'the index: %s is 500, and the next write applies what the log holds',
    async (errno) => {
      const fault = { calls: ['pwrite64'], fault: errno, path: inStorage('index.sqlite-wal') }
      expect(await rig.during(fault, () => status(put(rig.caller, 'unindexed', small)))).toBe(500)
      faults++
      await expectUnharmed()
      expect(await status(put(rig.caller, 'next', small))).toBe(200)
      expect((await send(await rig.caller.s3('GET', 'unindexed'))).body).toEqual(small)
      await send(await rig.caller.s3('DELETE', 'unindexed'))
    },
  )

  it.each(['ENOSPC', 'EDQUOT'])('the catalog: %s is 503', async (errno) => {
    const fault = { calls: ['pwrite64'], fault: errno, path: `${rig.site.catalog}-wal` }
    const { answers } = await rig.during(fault, () => tryFile(rig.caller, small))
    expect(answers.map((answer) => answer.status)).toEqual([503])
    faults++
    await expectUnharmed()
    expect((await tryFile(rig.caller, small)).answers.at(-1)!.status).toBe(201)
  })

  it('says in the log what it lacked', async () => {
    await expect.poll(() => rig.server().log()).toContain('database or disk is full')
    await expect.poll(() => rig.server().log()).toContain('no space is left for the catalog')
  })
})

it('leaves a store that is sound', async () => {
  expect(await rig.server().stop()).toBe(0)
  expect(await judge(rig.site)).toEqual([])
})
