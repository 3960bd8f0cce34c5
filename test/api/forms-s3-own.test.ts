/** `method: "POST"` with a bucket, depending on `storage.s3.provider`. */
import { afterEach, describe, expect, it } from 'vitest'
import { startOnOwnBucket, type GatewayOnOwnBucket } from '../fixtures/gateway-on-own-bucket.ts'
import { as, textFile } from './caller.ts'

let running: GatewayOnOwnBucket
afterEach(() => running.close())

const form = { ...textFile, method: 'POST' }

describe('a store that is not known to support forms', () => {
  it.each([{}, { size: 4 }])('refuses method POST (%j) with the reason, and reserves nothing', async (fields) => {
    running = await startOnOwnBucket({ s3: { provider: 'other' } })
    const alice = await as(running.gateway, 'alice')
    const { status, json } = await alice.post('/files/upload-url', { ...form, ...fields })
    expect([status, json.code]).toEqual([422, 'NotSupported'])
    expect(json.detail).toContain('does not support form uploads (storage.s3.provider: other)')
    expect(json.detail).toContain('Send method "PUT"')
    expect((await alice.get('/files/usage')).json).toMatchObject({ reservedBytes: 0, reservedFiles: 0 })
    const put = await alice.post('/files/upload-url', { ...textFile, ...fields })
    expect(put).toMatchObject({ status: 200, json: { method: 'PUT' } })
  })

  it('accepts method POST with delivery: proxied, where the objects endpoint receives the form', async () => {
    running = await startOnOwnBucket({ delivery: 'proxied', s3: { provider: 'other' } })
    const alice = await as(running.gateway, 'alice')
    expect(await alice.post('/files/upload-url', form)).toMatchObject({ status: 200, json: { method: 'POST' } })
  })
})

it('a store that supports forms receives them', async () => {
  running = await startOnOwnBucket({ s3: { provider: 'aws' } })
  const alice = await as(running.gateway, 'alice')
  const { json } = await alice.post('/files/upload-url', form)
  expect(json).toMatchObject({ method: 'POST', fields: { key: json.key } })
})
