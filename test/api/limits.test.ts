/** Security cases 93 to 95: limits per user. */
import { expect, test } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { as, callerWith, put, stateOf, store, textFile } from './caller.ts'

test('too many requests for URLs are 429 with Retry-After, and do not affect other users', async () => {
  const gateway = await startGateway({ limits: { issuePerMinute: 5 } })
  try {
    const alice = await as(gateway, 'alice')
    const answers = await Promise.all(Array.from({ length: 12 }, () => alice.post('/files/upload-url', textFile)))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(7)
    for (const { headers, json } of refused) {
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
      expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60)
      expect(json.code).toBe('TooManyRequests')
    }
    expect((await alice.get('/files/usage')).json.reservedFiles).toBe(5)
    const issued = answers.find(({ status }) => status === 200)?.json
    expect((await alice.post(`/files/${issued?.id}/upload-url`)).status).toBe(429)
    expect((await alice.post('/api/upload-url', textFile)).status).toBe(429)
    expect((await put(issued!, 'x')).status).toBe(200)
    expect((await alice.post('/files/confirm', { id: issued?.id })).status).toBe(201)
    expect((await (await as(gateway, 'bob')).post('/files/upload-url', textFile)).status).toBe(200)
  } finally {
    await gateway.close()
  }
})

test('a spoofed X-Forwarded-For or another token of the same user shares the limit', async () => {
  const gateway = await startGateway({ limits: { issuePerMinute: 2 } })
  try {
    const statuses: number[] = []
    for (let i = 0; i < 4; i++) {
      const authorization = `Bearer ${await gateway.token('alice', { jti: String(i) })}`
      const caller = callerWith(gateway.apiUrl, {
        authorization,
        'x-forwarded-for': `203.0.113.${i}`,
        forwarded: `for=203.0.113.${i}`,
      })
      statuses.push((await caller.post('/files/upload-url', textFile)).status)
    }
    expect(statuses).toEqual([200, 200, 429, 429])
  } finally {
    await gateway.close()
  }
})

test('too many pending uploads are 429 until some are settled', async () => {
  const gateway = await startGateway({ limits: { pendingUploads: 4 } })
  try {
    const alice = await as(gateway, 'alice')
    const answers = await Promise.all(Array.from({ length: 20 }, () => alice.post('/files/upload-url', textFile)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(4)
    expect(new Set(answers.filter(({ status }) => status !== 200).map(({ json }) => json.code))).toEqual(
      new Set(['TooManyRequests']),
    )
    const issued = answers.find(({ status }) => status === 200)?.json
    expect((await alice.delete(`/files/${issued?.id}`)).status).toBe(204)
    expect((await alice.post('/files/upload-url', textFile)).status).toBe(200)
  } finally {
    await gateway.close()
  }
})

test('a file that is too large is refused before any reservation', async () => {
  const gateway = await startGateway({ uploads: { maxSize: '1KiB' } })
  try {
    const alice = await as(gateway, 'alice')
    const before = await stateOf(alice)
    const { status, json } = await alice.post('/files/upload-url', { ...textFile, size: 1025 })
    expect([status, json.code]).toEqual([413, 'EntityTooLarge'])
    expect(await stateOf(alice)).toEqual(before)
    const { json: issued } = await alice.post('/files/upload-url', textFile)
    expect((await put(issued, 'x'.repeat(1025))).status).toBe(400)
    expect((await alice.post('/files/confirm', { id: issued.id })).status).toBe(409)
    expect((await put(issued, 'x'.repeat(1024))).status).toBe(200)
    expect((await alice.post('/files/confirm', { id: issued.id })).json.size).toBe(1024)
  } finally {
    await gateway.close()
  }
})

test('limits.requestsPerMinute counts every authenticated route of a user, and does not affect other users', async () => {
  const gateway = await startGateway({ limits: { requestsPerMinute: 6 } })
  try {
    const alice = await as(gateway, 'alice')
    const bob = await as(gateway, 'bob')
    const kept = await store(bob, 'x')
    for (const path of ['/files', '/files/usage', '/console/uploads', '/console/status', `/files/${kept.id}`, '/files'])
      expect((await alice.get(path)).status).not.toBe(429)
    const refused = await alice.get('/files')
    expect([refused.status, refused.json.code]).toEqual([429, 'TooManyRequests'])
    expect(refused.json.detail).toContain('6 requests per minute (limits.requestsPerMinute)')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect((await alice.post('/files/upload-url', textFile)).status).toBe(429)
    expect((await alice.get('/s3/params?filename=a.txt&type=text%2Fplain')).status).toBe(429)
    expect((await gateway.gateway.catalog.usage('alice')).reservedFiles).toBe(0)
    expect((await bob.get('/files')).status).toBe(200)
    expect((await callerWith(gateway.apiUrl, {}).get('/healthz')).status).toBe(200)
  } finally {
    await gateway.close()
  }
})

test('limits.authFailuresPerMinute counts rejected tokens of a client, and never rejects a valid one', async () => {
  const gateway = await startGateway({
    server: { trustedProxies: ['127.0.0.1'] },
    limits: { authFailuresPerMinute: 3 },
  })
  try {
    const from = (ip: string, headers: Record<string, string>) =>
      callerWith(gateway.apiUrl, { 'x-forwarded-for': ip, ...headers })
    const guess = (ip: string) => from(ip, { authorization: 'Bearer eyJx.eyJy.z' }).get('/files')
    const statuses: number[] = []
    for (let i = 0; i < 5; i++) statuses.push((await guess('203.0.113.1')).status)
    expect(statuses).toEqual([401, 401, 401, 429, 429])
    expect((await from('203.0.113.1', { cookie: 'postern_token=x' }).get('/files')).status).toBe(429)
    const valid = { authorization: `Bearer ${await gateway.token('alice')}` }
    expect((await from('203.0.113.1', valid).get('/files')).status).toBe(200)
    expect((await guess('203.0.113.2')).status).toBe(401)
    // Without credentials nothing is guessed.
    for (let i = 0; i < 5; i++) expect((await from('203.0.113.3', {}).get('/files')).status).toBe(401)
    const { json } = await from('203.0.113.1', valid).post('/files/upload-url', textFile)
    for (let i = 0; i < 5; i++) expect((await put({ ...json, uploadUrl: `${json.uploadUrl}0` }, 'x')).status).toBe(403)
    expect((await put(json, 'x')).status).toBe(200)
  } finally {
    await gateway.close()
  }
})

test('rejected tokens are not counted on loopback', async () => {
  const gateway = await startGateway({ limits: { authFailuresPerMinute: 2 } })
  try {
    const guesser = callerWith(gateway.apiUrl, { authorization: 'Bearer x' })
    for (let i = 0; i < 6; i++) expect((await guesser.get('/files')).status).toBe(401)
    const proxied = callerWith(gateway.apiUrl, { authorization: 'Bearer x', 'x-forwarded-for': '203.0.113.1' })
    const statuses: number[] = []
    for (let i = 0; i < 4; i++) statuses.push((await proxied.get('/files')).status)
    expect(statuses).toEqual([401, 401, 429, 429])
  } finally {
    await gateway.close()
  }
})
