/** `postern doctor` checks the key set of an identity provider. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runChecks, type Result } from '../../src/doctor/check.ts'
import { tokenChecks, type TokenSubject } from '../../src/doctor/token-checks.ts'
import { makeKey, serveKeySet, type KeySetServer } from '../fixtures/key-set.ts'

let keySet: KeySetServer
beforeAll(async () => {
  keySet = await serveKeySet([makeKey('one')])
})
afterAll(() => keySet.close())

async function examined(change: Partial<TokenSubject> = {}): Promise<Record<string, Result>> {
  const results = await runChecks('tokens', tokenChecks, { jwksUrl: keySet.url, missing: [], ...change })
  return Object.fromEntries(results.map((result) => [result.check, result]))
}

it('finds the keys', async () => {
  const { 'key-set': found, claims } = await examined()
  expect(found).toMatchObject({ outcome: 'ok', message: `The key set at ${keySet.url} has 1 key.` })
  expect(claims).toMatchObject({ outcome: 'ok' })
})

it('reports a key set that answers with an error, has no keys, or cannot be reached', async () => {
  keySet.up = false
  expect((await examined())['key-set']).toMatchObject({ outcome: 'failed', message: expect.stringContaining('500') })
  keySet.up = true
  keySet.keys = []
  expect((await examined())['key-set']).toMatchObject({
    outcome: 'failed',
    message: expect.stringContaining('no public keys'),
  })
  expect((await examined({ jwksUrl: 'http://127.0.0.1:1/keys' }))['key-set']).toMatchObject({ outcome: 'failed' })
})

it('reports claims that are not checked', async () => {
  const missing = [{ key: 'auth.audience', advice: 'Set auth.audience.' }]
  expect((await examined({ missing })).claims).toMatchObject({
    outcome: 'unknown',
    message: expect.stringContaining('auth.audience is not set'),
    fix: 'Set auth.audience.',
  })
})
