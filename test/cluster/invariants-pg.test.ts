/** The nine guarantees of the gateway with the catalog in PostgreSQL. */
import { afterAll, beforeAll } from 'vitest'
import { invariantsSuite } from '../api/invariants.ts'
import { startGateway } from '../fixtures/gateway.ts'
import { startPostgres, type Postgres } from '../fixtures/postgres.ts'

let server: Postgres
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server?.close())

invariantsSuite('over PostgreSQL', async (overrides, o) =>
  startGateway({ database: { url: await server.place() }, ...overrides }, o),
)
