import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cases, session } from './bucket-cases.ts'
import { bucket, refusal, startFaultyStore, type FaultyStore } from './faulty-store.ts'

let faulty: FaultyStore
beforeAll(async () => {
  faulty = await startFaultyStore()
})
beforeEach(() => {
  faulty.fault = {}
})
afterAll(() => faulty.close())

const keysLeft = async (): Promise<string[]> =>
  (await faulty.store.listObjects({ bucket })).objects.map(({ key }) => key)

describe('a healthy store', () => {
  it('passes every check except those that only a web page can make', async () => {
    const results = await faulty.examine()
    expect(results.filter(({ outcome }) => outcome !== 'ok').map(({ check, outcome }) => [check, outcome])).toEqual([
      ['public-endpoint', 'unknown'],
    ])
    expect(results).toHaveLength(18)
    expect(await keysLeft()).toEqual([])
  })
})

describe.each(cases)('$fault', ({ target, plant = {}, fails, message, fix, others = [] }) => {
  it(`fails ${fails} with its fix, and leaves nothing in the bucket`, async () => {
    faulty.fault = plant
    const results = await faulty.examine(target)
    const failures = results.filter(({ outcome }) => outcome === 'failed')
    expect(failures.map(({ check }) => check)).toEqual([fails, ...others])
    expect(failures[0]).toMatchObject({
      check: fails,
      message: expect.stringMatching(message),
      fix: expect.stringMatching(fix),
    })
    faulty.fault = {}
    const left = fails === 'delete' ? await removeAll() : await keysLeft()
    expect(left).toEqual([])
  })
})

/** A store that lets nothing be deleted keeps what was written: all of it below our prefix. */
async function removeAll(): Promise<string[]> {
  const keys = await keysLeft()
  await faulty.store.deleteObjects(bucket, keys)
  return keys.filter((key) => !/^app\/postern-doctor\/[0-9a-f-]{36}\//.test(key))
}

describe('temporary credentials', () => {
  const check = async (expiration: Date | null) => {
    const results = await faulty.examine({ credentials: session, expiration })
    return results.find((result) => result.check === 'session')
  }

  it('fails if the credentials expire before the longest URL', async () => {
    faulty.fault = { answer: () => refusal(403, 'AccessDenied') }
    expect(await check(new Date(Date.now() - 60_000))).toMatchObject({
      outcome: 'failed',
      message: 'The credentials expired 1 min ago.',
    })
    expect(await check(new Date(Date.now() + 600_000))).toMatchObject({
      outcome: 'failed',
      message: expect.stringMatching(/^The credentials expire in (10 min|9 min).*URLs are valid for up to 1 h/),
      fix: expect.stringMatching(/expiresIn/),
    })
    expect(await check(new Date(Date.now() + 7_200_000))).toMatchObject({ outcome: 'ok' })
    expect(await check(null)).toMatchObject({ outcome: 'unknown' })
  })
})

it('reports a store that does not answer, and skips the other checks', async () => {
  const results = await faulty.examine({ endpoint: 'http://127.0.0.1:9', publicEndpoint: 'http://127.0.0.1:9' })
  expect(results[0]).toMatchObject({
    check: 'reach',
    outcome: 'failed',
    fix: expect.stringMatching(/storage\.s3\.endpoint/),
  })
  expect(results.filter(({ outcome }) => outcome === 'failed')).toHaveLength(1)
})
