/** A token user and an owner of S3 access keys with the same name are separate. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLogger } from '../../src/http/logger.ts'
import { teeLog } from '../fixtures/captured-log.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { as, store } from './caller.ts'
import { readEvents, type EventReader } from './event-reader.ts'

const credentials = { accessKeyId: 'ALICETESTTESTTESTTE1', secretAccessKey: 'alice-secret-0123456789abcdef0123456789' }
const privateKey = 'salaries-2026.csv'
const log: string[] = []
let folder: string
let gateway: RunningGateway
let reader: EventReader | null = null

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-namespaces-'))
  log.length = 0
  gateway = await startGateway(
    {
      auth: { admins: ['root'] },
      keys: [{ ...credentials, owner: 'alice' }],
      log: { audit: join(folder, 'audit.jsonl') },
    },
    { log: createLogger({ level: 'info', format: 'json' }, teeLog(log)) },
  )
  const s3 = new S3Client({
    endpoint: gateway.objectsUrl,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { ...credentials },
  })
  await s3.send(new CreateBucketCommand({ Bucket: 'payroll' }))
  await s3.send(new PutObjectCommand({ Bucket: 'payroll', Key: privateKey, Body: 'secret' }))
  s3.destroy()
})
afterEach(async () => {
  reader?.close()
  await gateway.close()
  await rm(folder, { recursive: true })
})

async function watch(user: string): Promise<EventReader> {
  reader = await readEvents(`${gateway.apiUrl}/console/log`, { authorization: `Bearer ${await gateway.token(user)}` })
  return reader
}

test('the console shows token user alice no requests of S3 owner alice, and shows an administrator both separately', async () => {
  const alice = await as(gateway, 'alice')
  const own = await store(alice, 'hello')
  await alice.get('/files/usage')

  const hers = await watch('alice')
  await hers.request(({ path }) => path === '/files/usage')
  expect(hers.text()).toContain(own.key)
  for (const foreign of [privateKey, 'payroll']) expect(hers.text()).not.toContain(foreign)
  hers.close()

  const all = await watch('root')
  expect(await all.request(({ key }) => key === privateKey)).toMatchObject({ user: null, keyOwner: 'alice' })
  expect(await all.request(({ path }) => path === '/files/usage')).toMatchObject({ user: 'alice', keyOwner: null })
})

test('usage of token user alice does not count objects of S3 owner alice', async () => {
  const { json } = await (await as(gateway, 'alice')).get('/files/usage')
  expect(json).toMatchObject({ bytes: 0, files: 0, reservedBytes: 0 })
  expect((await (await as(gateway, 'alice')).get('/files')).json.files).toEqual([])
})

test('the server log and the audit log name them differently', async () => {
  await (await as(gateway, 'alice')).get('/files')
  await gateway.gateway.close()
  const audit = (await readFile(join(folder, 'audit.jsonl'), 'utf8')).trim().split('\n')
  const lines = [...audit, ...log].map((line) => JSON.parse(line) as Record<string, unknown>)
  const about = (text: string): unknown[] =>
    lines
      .filter((line) => JSON.stringify(line).includes(text))
      .map(({ who, user, keyOwner }) => [who ?? user ?? null, keyOwner ?? null])
  expect(about(privateKey)).toEqual([
    [null, 'alice'],
    [null, 'alice'],
  ])
  expect(about('/files')).toEqual([
    ['alice', null],
    ['alice', null],
  ])
})
