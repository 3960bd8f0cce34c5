/** The log when the bucket answers the URLs. Then only the page sees which requests the bucket rejects. */
import { S3 } from '@aws-sdk/client-s3'
import { beforeEach, expect, it } from 'vitest'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { openConsole, storeFile, textFile } from './console-page.ts'
import { browser, useBrowser } from './console-fixture.ts'

const owner = { accessKeyId: 'AKIAOWNER', secretAccessKey: 'a secret of an owner of one bucket, for tests' }

useBrowser()
let gateway: RunningGateway
let bucketUrl: string

/** The s3 driver in front of this project's own endpoint. */
beforeEach(async () => {
  const store = await startGateway({ keys: [{ ...owner, owner: 'alice' }] })
  const endpoint = store.objectsUrl
  bucketUrl = `${endpoint}/elsewhere`
  const s3 = new S3({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { ...owner } })
  await s3.createBucket({ Bucket: 'elsewhere' })
  s3.destroy()
  const settings = { provider: 'aws', region: 'us-east-1', endpoint, forcePathStyle: true, ...owner }
  gateway = await startGateway({ storage: { driver: 's3', bucket: 'elsewhere', s3: settings } }, { dev: true })
  return async () => {
    await gateway.close()
    await store.close()
  }
})

it('logs requests of the page that the bucket rejected, and says that it cannot see others', async () => {
  const page = await openConsole(browser, gateway.apiUrl)
  await page.goto(`${gateway.apiUrl}/#/log`)
  await page.getByText('Live', { exact: true }).waitFor()
  await page.getByText('Clients send bytes directly to the bucket').waitFor()
  await page.route(`${bucketUrl}/**`, (route) => {
    const url = route.request().url()
    return route.request().method() === 'PUT' ? route.continue({ url: `${url}&versionId=7` }) : route.continue()
  })
  const file = { name: 'refused.txt', mimeType: 'text/plain', buffer: Buffer.from('twelve bytes') }
  await page.getByLabel('Files to upload').setInputFiles(file)
  const refused = page.locator('.request[data-outcome="refused"]')
  await refused.getByRole('link', { name: 'PUT refused.txt, 403 SignatureDoesNotMatch' }).click()
  const reason = page.getByRole('dialog')
  await reason.getByText('The bucket refused this request, not this server.').waitFor()
  expect(await reason.getByText('the bucket', { exact: true }).count()).toBe(1)
  expect(await reason.getByRole('button', { name: 'Copy as curl' }).count()).toBe(0)
  expect(await refused.count()).toBe(1)
})

it('explains why there are no share links, and shows a QR code of the signed URL', async () => {
  const { id } = await storeFile(gateway, textFile('in the bucket.txt'))
  const page = await openConsole(browser, gateway.apiUrl)
  await page.goto(`${gateway.apiUrl}/#/files/${id}`)
  const drawer = page.getByRole('dialog', { name: 'in the bucket.txt' })
  await drawer.getByText(/This server cannot count or revoke.*storage\.delivery: proxied/).waitFor()
  expect(await drawer.getByRole('button', { name: 'Create and copy' }).count()).toBe(0)
  await drawer.getByRole('button', { name: 'QR code', exact: true }).click()
  const code = drawer.getByRole('img', { name: 'QR code of a link to in the bucket.txt' })
  expect(Number((await code.getAttribute('viewBox'))?.split(' ')[2])).toBeGreaterThan(80)
})
