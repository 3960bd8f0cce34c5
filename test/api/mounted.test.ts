/** The gateway inside the server of another program, as documented for `createGateway`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import request from 'supertest'
import { expect, it, onTestFinished, vi } from 'vitest'
import { signToken, startGateway, testConfig, testSecrets, type Overrides } from '../fixtures/gateway.ts'
import { createGateway, type Gateway } from '../../src/main.ts'
import { secret, startReceiver } from '../service/receiver.ts'
import { as, call, textFile } from './caller.ts'
import { limit } from '../fixtures/time-limit.ts'

/** Mounted and started, not listening by itself. */
async function mount(overrides: Overrides): Promise<{ apiUrl: string; gateway: Gateway }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const dir = await mkdtemp(join(tmpdir(), 'postern-mounted-'))
  const config = testConfig(dir, { server: { publicUrl: apiUrl }, objects: { listen: 'shared' }, ...overrides })
  const gateway = await createGateway(config, { secrets: testSecrets, log: pino({ level: 'silent' }) })
  server.on('request', gateway.handler)
  gateway.start()
  onTestFinished(async () => {
    await gateway.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await rm(dir, { recursive: true, force: true })
  })
  return { apiUrl, gateway }
}

it('answers requests without its own listener', async () => {
  const { gateway, close } = await startGateway()
  onTestFinished(close)
  const api = request(gateway.api.callback())
  const authorization = `Bearer ${await signToken('alice')}`
  await api.get('/files').expect(401)
  const { body } = await api.get('/files').set({ authorization }).expect(200)
  expect(body).toEqual({ files: [], nextCursor: null })
  const objects = request(gateway.objects?.callback() ?? '')
  const refused = await objects.get('/postern/uploads/none.txt').expect(403)
  expect(refused.headers['content-type']).toBe('application/xml')
})

it('serves both origins through one handler, and delivers webhooks and expires uploads once it is started', async () => {
  const receiver = await startReceiver()
  onTestFinished(() => receiver.close())
  const { apiUrl } = await mount({
    uploads: { expiresIn: '1s', confirmWithin: '1s' },
    webhooks: [{ url: receiver.url, secret, allowPrivate: true }],
  })
  const alice = await as({ apiUrl, token: signToken }, 'alice')
  expect((await alice.get('/readyz')).status).toBe(200)
  const forgotten = (await alice.post('/files/upload-url', textFile)).json
  const issued = (await alice.post('/files/upload-url', textFile)).json
  expect(issued.uploadUrl).toContain(`${apiUrl}/objects/`)
  const put = await call(issued.uploadUrl, { method: 'PUT', headers: issued.headers, body: 'hello, postern' })
  expect(put.status).toBe(200)
  expect((await alice.post('/files/confirm', { key: issued.key })).status).toBe(201)

  const types = (): string[] => receiver.received.map(({ message }) => `${message.type} ${String(message.data['id'])}`)
  await vi.waitFor(() => expect(types()).toContain(`file.confirmed ${issued.id}`), { timeout: limit(30_000) })
  await vi.waitFor(() => expect(types()).toContain(`upload.expired ${forgotten.id}`), { timeout: limit(30_000) })
  expect(receiver.forged).toEqual([])
  const { files } = (await alice.get('/files')).json
  expect(files.map(({ id }) => id)).toEqual([issued.id])
})
