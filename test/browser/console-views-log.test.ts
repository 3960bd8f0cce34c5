/** The console's log in a real browser: live requests, and the reasons for rejected ones. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { openConsole } from './console-page.ts'
import { browser, gateway, useBrowser, useConsole } from './console-fixture.ts'
import { grant, send } from './console-requests.ts'
import { limit } from '../fixtures/time-limit.ts'

useBrowser()
useConsole(startGateway)

async function openLog(hash = '#/log'): Promise<Page> {
  const page = await openConsole(browser, gateway.apiUrl)
  await page.goto(`${gateway.apiUrl}/${hash}`)
  await page.getByText('Live', { exact: true }).waitFor()
  return page
}

const request = (page: Page, key: string, outcome: string) =>
  page.locator(`.request[data-outcome="${outcome}"]`, { has: page.locator(`a[title="${key}"]`) })

describe('the log', () => {
  it('shows a request when it is answered, newest first', async () => {
    const page = await openLog()
    const issued = await grant(gateway)
    expect(await send(issued, 'twelve bytes')).toBe(200)
    const row = request(page, issued.key, 'ok')
    await row.waitFor()
    expect(await row.innerText()).toMatch(/PUT[^]*200 ok[^]*ms[^]*12 B/)
    const paths = await page.locator('.request a').evaluateAll((links) => links.map((a) => a.getAttribute('title')))
    expect(paths.indexOf(issued.key)).toBeLessThan(paths.indexOf('/files/upload-url'))
  })

  it('marks the difference between the signed and the sent content-type', async () => {
    const page = await openLog()
    const issued = await grant(gateway)
    expect(await send(issued, 'x', { 'content-type': 'image/png' })).toBe(403)
    await request(page, issued.key, 'refused').click()
    const reason = page.getByRole('dialog')
    await reason.getByText('The header content-type was signed as "text/plain"').waitFor()
    const first = reason.getByRole('row', { name: 'First difference' })
    expect(await first.count()).toBe(1)
    expect(await first.getByRole('rowheader').innerText()).toContain('content-type')
    expect(await first.locator('mark').allInnerTexts()).toEqual(['text/plain', 'image/png'])
    expect(await reason.innerText()).not.toContain(new URL(issued.uploadUrl).searchParams.get('X-Amz-Signature'))
    expect(new URL(page.url()).hash).toMatch(/^#\/log\/./)
    await page.keyboard.press('Escape')
    expect(await page.getByRole('dialog').count()).toBe(0)
    expect(await page.evaluate(() => document.activeElement?.getAttribute('title'))).toBe(issued.key)
  })

  it('names the parameter that was added to a query', async () => {
    const page = await openLog()
    const issued = await grant(gateway)
    expect(await send({ ...issued, uploadUrl: `${issued.uploadUrl}&versionId=7` }, 'x')).toBe(403)
    await request(page, issued.key, 'refused').click()
    const first = page.getByRole('dialog').getByRole('row', { name: 'First difference' })
    expect(await first.innerText()).toMatch(/versionId[^]*missing[^]*7/)
  })

  it('shows when a URL expired and what to do', async () => {
    const issued = await grant(gateway, { expiresIn: 1 })
    const page = await openLog()
    await expect.poll(() => send(issued, 'late'), { timeout: limit(5000) }).toBe(403)
    await request(page, issued.key, 'refused').click()
    const reason = page.getByRole('dialog')
    await reason.getByText(/expired .* ago/).waitFor()
    await reason.getByText(/fresh URL/).waitFor()
    expect(await reason.getByText('First difference').count()).toBe(0)
  })

  it('copies a command and a report without secrets', async () => {
    const page = await openLog()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const issued = await grant(gateway)
    await send(issued, 'x', { 'content-type': 'image/png' })
    await request(page, issued.key, 'refused').click()
    const copied = async (button: string): Promise<string> => {
      await page.evaluate(() => navigator.clipboard.writeText(''))
      await page.getByRole('button', { name: button }).click()
      await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).not.toBe('')
      return page.evaluate(() => navigator.clipboard.readText())
    }
    const command = await copied('Copy as curl')
    expect(command).toContain(`curl -X PUT`)
    expect(command).toContain(`${gateway.objectsUrl}/postern/${issued.key}`)
    expect(command).toContain("-H 'content-type: image/png'")
    expect(command).toContain('X-Amz-Signature=[hidden]')
    const report = await copied('Copy as text')
    expect(report).toContain('signed: text/plain\n  sent:   image/png')
    for (const text of [command, report]) expect(text).not.toMatch(/[0-9a-f]{64}/)
  })

  it('filters by outcome and text, with a URL that can be shared', async () => {
    const page = await openLog()
    const good = await grant(gateway)
    await send(good, 'x')
    await send(await grant(gateway), 'x', { 'content-type': 'image/png' })
    await request(page, good.key, 'ok').waitFor()
    await page.getByRole('button', { name: 'Refused' }).click()
    expect(await page.locator('.request').count()).toBe(1)
    await page.getByRole('searchbox', { name: /Filter by/ }).fill('no such thing')
    await page.getByRole('heading', { name: 'Nothing matches' }).waitFor()
    await page.getByRole('searchbox', { name: /Filter by/ }).fill('put signature')
    expect(await page.locator('.request').count()).toBe(1)
    const shared = await openLog(new URL(page.url()).hash)
    await shared.locator('.request').first().waitFor()
    expect(await shared.locator('.request').count()).toBe(1)
  })

  it('pauses and resumes without losing a request', async () => {
    const page = await openLog()
    await page.getByRole('button', { name: 'Pause' }).click()
    const issued = await grant(gateway)
    await send(issued, 'x')
    await page.getByRole('button', { name: /Resume, [2-9]/ }).waitFor()
    expect(await request(page, issued.key, 'ok').count()).toBe(0)
    await page.getByRole('button', { name: /Resume/ }).click()
    await request(page, issued.key, 'ok').waitFor()
  })

  it('continues at the same request when it is shown again, without duplicates', async () => {
    const page = await openLog()
    const before = await grant(gateway)
    await send(before, 'x')
    await request(page, before.key, 'ok').waitFor()
    await page.getByRole('link', { name: 'Uploads', exact: true }).click()
    const between = await grant(gateway)
    await send(between, 'x')
    await page.getByRole('link', { name: 'Log', exact: true }).click()
    await request(page, between.key, 'ok').waitFor()
    expect(await request(page, before.key, 'ok').count()).toBe(1)
  })

  it('renders few rows, and can be navigated with arrow keys', async () => {
    for (let i = 0; i < 150; i++) await fetch(`${gateway.apiUrl}/files/usage?n=${i}`)
    const page = await openLog()
    await page.locator('.request').first().waitFor()
    expect(await page.locator('.request').count()).toBeLessThan(60)
    await page.locator('.request a').first().focus()
    await page.keyboard.press('End')
    await expect.poll(() => page.locator('.request:focus-within').getAttribute('data-index')).toMatch(/^1[45]\d$/)
    await page.keyboard.press('Home')
    await expect.poll(() => page.locator('.request:focus-within').getAttribute('data-index')).toBe('0')
    await page.keyboard.press('ArrowDown')
    await expect.poll(() => page.locator('.request:focus-within').getAttribute('data-index')).toBe('1')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
  })
})
