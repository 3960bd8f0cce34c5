/** A driver that implements only the core of the driver port, alone and behind a gateway. */
import '../fixtures/memory-driver.ts'
import { expect, it } from 'vitest'
import { as, downloadText, upload } from '../api/caller.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { startGateway } from '../fixtures/gateway.ts'
import { driverSuite } from './driver-suite.ts'

driverSuite(
  'memory, its URLs served by a gateway',
  async () => {
    const running = await startGateway({ storage: { driver: 'memory' }, uploads: { maxSize: '5GiB' } })
    const { driver, config } = running.gateway
    return { driver, bucket: config.storage.bucket, close: () => running.close() }
  },
  {
    knownDifferences: new Set([
      'one-bucket',
      'no-tags',
      'no-part-lists',
      'no-part-reads',
      'no-folded-uploads',
      'no-multipart-tags',
      'complete-once',
      'seals-elsewhere',
      'no-revisions',
    ]),
  },
)

it('runs a gateway that confirms, lists, reads and deletes an upload, and never replaces it', async () => {
  const running = await startGateway({ storage: { driver: 'memory' } })
  try {
    const alice = await as(running, 'alice')
    const { id } = await upload(alice, 'kept in memory')
    const { status, json } = await alice.post('/files/confirm', { id })
    expect([status, json.size, json.status]).toEqual([201, 14, 'confirmed'])
    expect(await downloadText(alice, id)).toBe('kept in memory')
    const record = await running.gateway.catalog.findUpload('alice', { id })
    expect(record?.file.store).toBe('memory')
    expect((await alice.get('/files')).json.files.map((file) => file.id)).toEqual([id])
    const { json: form } = await alice.post('/files/upload-url', {
      filename: 'a.txt',
      mimeType: 'text/plain',
      method: 'POST',
    })
    expect(form.method).toBe('POST')
    expect((await alice.get('/console/status')).json).toMatchObject({ store: { driver: 'memory' } })
    expect((await alice.delete(`/files/${id}`)).status).toBe(204)
    expect((await alice.get(`/files/${id}`)).status).toBe(404)
    expect((await running.gateway.driver.listObjects({ bucket: 'postern' })).objects).toEqual([])
  } finally {
    await running.close()
  }
})

it('is available in the configuration by its registration alone', () => {
  const env = { POSTERN_STORAGE_DRIVER: 'memory', POSTERN_STORAGE_DISK_PATH: '/nowhere' }
  expect(loadConfig({ env, cwd: '/' }).config.storage.driver).toBe('memory')
  expect(() => loadConfig({ env: { ...env, POSTERN_STORAGE_DRIVER: 'tape' }, cwd: '/' })).toThrow(
    /expects one of disk, s3, memory/,
  )
})
