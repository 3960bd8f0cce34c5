/** Instances that share a catalog must agree on what they sign and where they keep files. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startGateway, type Overrides, type RunningGateway } from '../fixtures/gateway.ts'
import { startPostgres, type Postgres } from '../fixtures/postgres.ts'

let server: Postgres
let first: RunningGateway
let url: string
beforeAll(async () => {
  server = await startPostgres()
  url = await server.place()
  first = await startGateway({ database: { url } })
})
afterAll(async () => {
  await first?.close()
  await server?.close()
})
const another = (settings: Overrides = {}) => startGateway({ database: { url }, ...settings })

it.each([
  [{ auth: { secret: 'another secret of thirty-two bytes or more, for a test' } }, /POSTERN_AUTH_SECRET/],
  [{ auth: { jwksUrl: 'https://id.example.com/keys' } }, /auth\.jwksUrl/],
  [{ storage: { bucket: 'another' } }, /keeps its files elsewhere/],
])('one with %j is refused', async (settings, message) => {
  await expect(another(settings)).rejects.toMatchObject({
    code: 'Unavailable',
    message: expect.stringMatching(message),
  })
})

it('one that agrees may join, and one that differs once the others have left', async () => {
  await (await another()).close()
  await first.close()
  const changed = await another({ auth: { secret: 'another secret of thirty-two bytes or more, for a test' } })
  expect((await fetch(`${changed.apiUrl}/readyz`)).status).toBe(200)
  await changed.close()
})
