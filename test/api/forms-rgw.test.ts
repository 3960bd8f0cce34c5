import { expect, test } from 'vitest'
import { textFile } from './caller.ts'
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

    test.each([{}, { size: 4 }])('refuses a form (%j), and reserves nothing', async (fields) => {
      const alice = await newUser()
      const { status, json } = await alice.post('/files/upload-url', { ...form, ...fields })
      expect([status, json.code]).toEqual([422, 'NotSupported'])
      expect((await alice.get('/files/usage')).json).toMatchObject({ reservedBytes: 0, reservedFiles: 0 })
    })
  })
})
