/**
 * The API reference page: shows every operation, contacts no other server, and works with its Content-Security-Policy.
 */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { routes } from '../../src/api/routes/table.ts'
import { launchBrowser } from '../fixtures/browsers.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { barriers } from './console-requests.ts'

let browser: Browser
let gateway: RunningGateway
let page: Page
const asked: string[] = []
const complaints: string[] = []

beforeAll(async () => {
  ;[browser, gateway] = await Promise.all([launchBrowser(), startGateway()])
  page = await browser.newPage()
  page.on('request', (request) => asked.push(request.url()))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(`${gateway.apiUrl}/docs`)
  await page.locator('.opblock').first().waitFor()
})
afterAll(async () => {
  await browser.close()
  await gateway.close()
})

it('shows each route once', async () => {
  expect(await page.locator('.opblock').count()).toBe(routes.length)
})

it('opens an operation with its fields', async () => {
  await page.locator('#operations-Uploads-issueUploadUrl button').first().click()
  const body = page.locator('#operations-Uploads-issueUploadUrl')
  await body.getByText('filename', { exact: false }).first().waitFor()
  expect(await body.innerText()).toContain('urn:postern:problem:NotFound')
})

it('passes axe-core', async () => {
  expect(await barriers(page)).toEqual([])
})

it('sends requests to this server only, and its Content-Security-Policy blocks nothing', () => {
  expect(asked.filter((url) => !url.startsWith(gateway.apiUrl) && !url.startsWith('data:'))).toEqual([])
  expect(complaints).toEqual([])
})
