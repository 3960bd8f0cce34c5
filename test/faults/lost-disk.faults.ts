/** The file system of the store stops accepting writes while the server runs. `/readyz` must report it within 10 s. */
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { limit } from '../fixtures/time-limit.ts'
import { send } from './caller.ts'
import { put, startFaultHarness, tryFile } from './fault-harness.ts'
import { makeMount, makeReadOnly, type Mount } from './mounts.ts'

it.each<[string, (mount: Mount) => Promise<void>, RegExp]>([
  ['becomes read-only', makeReadOnly, /EROFS/],
  ['is shut down', async (mount) => (await mount.preparePowerCut())(), /EIO/],
])('answers 503 with the reason and grants no upload URLs on a file system that %s', async (_, lose, reason) => {
  const mount = await makeMount({ kind: 'ext4', size: '128M' })
  onTestFinished(() => mount.remove())
  const harness = await startFaultHarness({
    storage: join(mount.path, 'storage'),
    catalog: join(mount.outside, 'catalog.sqlite'),
    settings: { storage: { disk: { minFree: '1MiB' } } },
  })
  onTestFinished(() => harness.close())
  expect(await harness.readiness()).toBe(200)
  await lose(mount)
  await expect.poll(() => harness.readiness(), { timeout: limit(10_000) }).toBe(503)
  const answer = await send({ method: 'GET', url: `${harness.installation.api}/readyz` })
  expect(answer.body.toString()).toMatch(reason)
  expect(harness.server().log()).toMatch(new RegExp(`not ready, no upload URLs are issued: .*${reason.source}`))
  expect((await tryFile(harness.caller, Buffer.from('more'))).answers.map(({ status }) => status)).toEqual([503])
  expect([500, 503]).toContain((await put(harness.caller, 'more', Buffer.from('more'))).status)
  expect((await send({ method: 'GET', url: `${harness.installation.api}/healthz` })).status).toBe(200)
})
