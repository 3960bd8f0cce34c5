import { expect, test } from 'vitest'
import { downloadText, put, textFile } from './caller.ts'
import { formsSuite } from './forms-suite.ts'
import { withGateway } from './invariants.ts'
import { onS3 } from './on-s3.ts'

onS3((name, start, delivery) => {
  formsSuite(name, start)
  // Behind our own endpoint forms are taken by us, whatever the store can.
  if (delivery === 'proxied') return

  const formless = (overrides = {}) => start({ ...overrides, storage: { s3: { provider: 'b2' } } })
  withGateway(`${name}, with the preset of a store that takes no forms`, formless, ({ newUser }) => {
    const form = { ...textFile, method: 'POST' }

    test('a form becomes a PUT that is bound to the length', async () => {
      const alice = await newUser()
      const { json: issued } = await alice.post('/files/upload-url', { ...form, size: 4 })
      expect(issued).toMatchObject({ method: 'PUT', headers: { 'content-type': 'text/plain' } })
      expect(issued.fields).toBeUndefined()
      expect(new URL(issued.uploadUrl).searchParams.get('X-Amz-SignedHeaders')).toContain('content-length')
      expect((await put(issued, 'five!')).status).toBe(403)
      expect((await put(issued, 'four')).status).toBe(200)
      expect((await alice.post(`/files/${issued.id}/upload-url`)).json.method).toBe('PUT')
      expect((await alice.post('/files/confirm', { id: issued.id })).status).toBe(201)
      expect(await downloadText(alice, issued.id)).toBe('four')
    })

    test('or is refused where nothing could bound it, and nothing is reserved', async () => {
      const alice = await newUser()
      const { status, json } = await alice.post('/files/upload-url', form)
      expect([status, json.code]).toEqual([422, 'NotSupported'])
      expect((await alice.get('/files/usage')).json).toMatchObject({ reservedBytes: 0, reservedFiles: 0 })
    })
  })
})
