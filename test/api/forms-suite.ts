/** Uploads by a browser's form: `method: "POST"`. Both drivers run this suite, over real HTTP. */
import { describe, expect, test } from 'vitest'
import { call, downloadText, stateOf, textFile, type Answer, type Json } from './caller.ts'
import { html, withGateway, type Bench, type Start } from './invariants.ts'
import { whenConfirmed } from './when-confirmed.ts'

const sendForm = ({ uploadUrl, fields }: Json, text: string, changes: Record<string, string> = {}): Promise<Answer> => {
  const form = new FormData()
  for (const [name, value] of Object.entries({ ...fields, ...changes })) form.set(name, value)
  form.set('file', new Blob([text]), 'name.txt')
  return call(uploadUrl, { method: 'POST', body: form })
}

export const formsSuite = (name: string, start: Start): void => withGateway(`${name}, a form`, start, forms)

function forms({ start, newUser, expectGone }: Bench): void {
  const form = { ...textFile, method: 'POST' }

  describe.each([
    ['of a size that was told', { size: 4 }],
    ['of a size up to the largest', {}],
    ['that anyone may read', { visibility: 'public' }],
  ])('%s', (_, fields) => {
    test('uploads a file that is immutable once confirmed', async () => {
      const alice = await newUser()
      const { status, json: issued } = await alice.post('/files/upload-url', { ...form, ...fields })
      expect(status).toBe(200)
      expect(issued).toMatchObject({
        method: 'POST',
        headers: {},
        fields: { key: issued.key, 'Content-Type': 'text/plain' },
      })
      const early = await alice.post('/files/confirm', { id: issued.id })
      expect([early.status, early.json.code]).toEqual([409, 'UploadIncomplete'])
      expect((await sendForm(issued, 'four')).status).toBe(204)
      const { json: renewed } = await alice.post(`/files/${issued.id}/upload-url`, { expiresIn: 60 })
      expect(renewed).toMatchObject({ method: 'POST', expiresIn: 60 })
      const confirmed = await alice.post('/files/confirm', { key: issued.key })
      expect(confirmed.json).toMatchObject({ size: 4, mimeType: 'text/plain', status: 'confirmed' })
      for (const live of [issued, renewed]) await sendForm(live, 'late')
      expect(await downloadText(alice, issued.id)).toBe('four')
      const { publicUrl } = confirmed.json
      expect(publicUrl ? await (await fetch(publicUrl)).text() : 'four').toBe('four')
    })
  })

  test('enforces its key, type, policy and length', async () => {
    const small = await start({ uploads: { maxSize: 10 } })
    try {
      const bob = await newUser(small)
      const { json: issued } = await bob.post('/files/upload-url', form)
      const { json: exact } = await bob.post('/files/upload-url', { ...form, size: 4 })
      const before = await stateOf(bob)
      const policy = Buffer.from(JSON.stringify({ expiration: '2100-01-01T00:00:00Z', conditions: [] })).toString(
        'base64',
      )
      const refused = await Promise.all([
        sendForm(issued, 'eleven chars'),
        sendForm(exact, 'five!'),
        sendForm(exact, 'two'),
        sendForm(issued, 'text', { key: exact.key }),
        sendForm(issued, 'text', { key: `${issued.key}x` }),
        sendForm(issued, 'text', { 'Content-Type': 'text/html' }),
        sendForm(issued, 'text', { 'x-amz-meta-more': 'than was signed' }),
        sendForm(issued, 'text', { policy }),
        call(issued.uploadUrl, { method: 'POST' }),
      ])
      const statuses = refused.map(({ status }) => status)
      for (const status of statuses) expect([400, 403, 411, 412]).toContain(status)
      await expectGone(issued.key, small)
      await expectGone(exact.key, small)
      expect(await stateOf(bob)).toEqual(before)
      expect((await sendForm(exact, 'four')).status).toBe(204)
      expect((await bob.post('/files/confirm', { id: exact.id })).status).toBe(201)
    } finally {
      await small.close()
    }
  })

  test('is verified like every upload', async () => {
    const alice = await newUser()
    const image = { filename: 'a.png', mimeType: 'image/png', method: 'POST' }
    const { json: issued } = await alice.post('/files/upload-url', image)
    expect((await sendForm(issued, html)).status).toBe(204)
    expect((await alice.post('/files/confirm', { id: issued.id })).status).toBe(422)
    await expectGone(issued.key)
    expect((await alice.get('/files/usage')).json).toMatchObject({ reservedBytes: 0, reservedFiles: 0 })
  })

  test('is auto-confirmed on request', async () => {
    const alice = await newUser()
    const { json: issued } = await alice.post('/files/upload-url', { ...form, autoConfirm: true })
    expect((await sendForm(issued, 'self')).status).toBe(204)
    expect(await whenConfirmed(alice, issued.id)).toMatchObject({ size: 4 })
  })
}
