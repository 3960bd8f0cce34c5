/** The reservation of `/s3/params` for an upload that is never sent expires with its URL. */
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { collectExpired } from '../../src/service/maintenance/collect-expired.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { as, call, textFile, type Caller } from './caller.ts'

let ahead = 0
let gateway: RunningGateway
let alice: Caller
const now = () => new Date(Date.now() + ahead * 1000)

beforeEach(async () => {
  ahead = 0
  gateway = await startGateway({ quotas: { userBytes: '150MiB' } }, { now })
  alice = await as(gateway, 'alice', { exp: Math.floor(Date.now() / 1000) + 86_400 })
})
afterEach(() => gateway.close())

const collect = () =>
  collectExpired({ ...gateway.gateway, now, log: pino({ level: 'silent' }), urls: { api: () => gateway.apiUrl } })
const usage = async () => (await alice.get('/files/usage')).json
type Params = { url: string; fields: Record<string, string> }
const ask = async (): Promise<Params> =>
  (await alice.get('/s3/params?filename=note.txt&type=text%2Fplain')).json as unknown as Params

test('an unused reservation is freed when the URL has expired, and not before', async () => {
  await ask()
  expect(await usage()).toMatchObject({ reservedFiles: 1, reservedBytes: 100 * 2 ** 20 })
  ahead = 590
  await collect()
  expect((await usage()).reservedFiles).toBe(1)
  ahead = 605
  await collect()
  expect(await usage()).toMatchObject({ reservedFiles: 0, reservedBytes: 0 })
})

test('a used reservation keeps the file', async () => {
  const { url, fields } = await ask()
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  form.set('file', new Blob(['hello'], { type: 'text/plain' }))
  expect((await call(url, { method: 'POST', body: form })).status).toBeLessThan(300)
  ahead = 3600
  await collect()
  expect(await usage()).toMatchObject({ bytes: 5, files: 1, reservedFiles: 0 })
})

test('a renewable upload keeps its reservation for uploads.confirmWithin', async () => {
  const { json } = await alice.post('/files/upload-url', textFile)
  ahead = 605
  await collect()
  expect((await usage()).reservedFiles).toBe(1)
  expect((await alice.post(`/files/${json.id}/upload-url`)).status).toBe(200)
})
