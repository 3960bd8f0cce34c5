/** CORS for a bucket that already has rules, as a page experiences it. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { cors } from '../../src/doctor/bucket/cors-check.ts'
import { applyCors, corsJson } from '../../src/doctor/bucket/cors-rules.ts'
import type { CorsRule } from '../../src/drivers/driver.ts'
import { bucket, origin, startFaultyStore, type FaultyStore } from './faulty-store.ts'

let faulty: FaultyStore
beforeAll(async () => {
  faulty = await startFaultyStore()
})
beforeEach(() => {
  faulty.fault = {}
})
afterAll(() => faulty.close())

const rule: CorsRule = {
  id: 'theirs',
  allowedOrigins: [origin],
  allowedMethods: ['GET', 'HEAD', 'PUT', 'POST'],
  allowedHeaders: ['*'],
  exposeHeaders: ['ETag'],
}

async function checked(rules: CorsRule[] | null) {
  await faulty.store.setBucketCors(bucket, rules)
  const probe = faulty.probe({ origins: [origin] })
  try {
    return await cors(origin).run(probe)
  } finally {
    await probe.cleanUp()
  }
}

it('passes if the rules allow what a page does', async () => {
  expect(await checked([rule])).toMatchObject({ outcome: 'ok' })
})

it.each<[what: string, CorsRule[], RegExp]>([
  ['no rule at all', [], /PUT is not allowed \(the store answers the preflight with 403\)/],
  ['another origin', [{ ...rule, allowedOrigins: ['https://other.example.com'] }], /PUT is not allowed/],
  ['reading alone', [{ ...rule, allowedMethods: ['GET', 'HEAD'] }], /PUT is not allowed/],
  ['a hidden ETag', [{ ...rule, exposeHeaders: ['x-amz-request-id'] }], /ETag is hidden/],
  [
    'too few headers',
    [{ ...rule, allowedHeaders: ['content-type'] }],
    /headers content-type, if-none-match, x-amz-checksum-sha256 are not all allowed/,
  ],
  [
    'no forms',
    [{ ...rule, allowedMethods: ['GET', 'HEAD', 'PUT'] }],
    /^For pages of https:\/\/app\.example\.com: POST to the bucket is not allowed, so form uploads fail\.$/,
  ],
])('reports %s and prints the rules', async (_, rules, message) => {
  const finding = await checked(rules)
  expect(finding).toMatchObject({ outcome: 'failed', message: expect.stringMatching(message) })
  expect(finding.fix).toContain(JSON.stringify(corsJson([origin])))
})

it('reports a store whose responses a page cannot read after a redirect', async () => {
  faulty.fault = {
    after: (headers) => headers['access-control-allow-origin'] === '*' && delete headers['access-control-allow-origin'],
  }
  expect(await checked([rule])).toMatchObject({
    outcome: 'failed',
    message: expect.stringMatching(/cannot be read after a redirect/),
    fix: expect.stringContaining('postern-reads'),
  })
})

it('reports an ETag that a proxy hides although the rules expose it', async () => {
  faulty.fault = { after: (headers) => delete headers['access-control-expose-headers'] }
  expect(await checked([rule])).toMatchObject({ outcome: 'failed', message: expect.stringMatching(/ETag is hidden/) })
})

it('sets the rules with --fix, keeps other rules, and replaces its own', async () => {
  const theirs = { ...rule, allowedOrigins: ['https://other.example.com'] }
  expect(await checked([theirs])).toMatchObject({ outcome: 'failed' })
  const probe = faulty.probe({ origins: [origin] })
  expect(await applyCors(probe)).toMatchObject({ outcome: 'ok', message: expect.stringMatching(/its other rule\./) })
  expect(await applyCors(probe)).toMatchObject({ outcome: 'ok' })
  const rules = (await faulty.store.headBucket(bucket)).cors
  expect(rules?.map(({ id }) => id)).toEqual(['postern', 'postern-reads', 'theirs'])
  expect(rules?.map(({ allowedOrigins }) => allowedOrigins)).toEqual([[origin], ['*'], theirs.allowedOrigins])
  expect(rules?.[1]?.allowedMethods).toEqual(['GET', 'HEAD'])
  expect(await cors(origin).run(probe)).toMatchObject({ outcome: 'ok' })
  await probe.cleanUp()
})

it('names the permission that is missing to set the rules', async () => {
  const deny = (wanted: string) => ({
    answer: ({ method, query }: { method: string; query: URLSearchParams }) =>
      query.has('cors') && method === wanted ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : null,
  })
  for (const method of ['GET', 'PUT']) {
    faulty.fault = deny(method)
    expect(await applyCors(faulty.probe({ origins: [origin] }))).toMatchObject({
      outcome: 'failed',
      message: expect.stringMatching(/403 AccessDenied/),
      fix: expect.stringMatching(/s3:PutBucketCORS/),
    })
  }
})
