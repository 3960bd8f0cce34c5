/** Share links in the drawer: create, copy, scan, count, revoke and reject. */
import type { Page } from 'playwright-core'
import { encode } from 'uqr'
import { beforeEach, describe, expect, it } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { has } from './abilities.ts'
import { browser, gateway, useBrowser, useConsole } from './console-fixture.ts'
import { makeUnavailable, openConsole, overflow, storeFile, textFile } from './console-page.ts'
import { barriers, post } from './console-requests.ts'

useBrowser()
useConsole(startGateway)
let id: string

const clipboard = { permissions: ['clipboard-read', 'clipboard-write'] }
type MadeLink = { id: string; url: string }
const make = (body: object = {}): Promise<MadeLink> => post(gateway, `/files/${id}/links`, body)
const status = async (url: string): Promise<number> =>
  (await fetch(url, { redirect: 'manual', headers: { 'user-agent': 'another reader' } })).status

async function kept(): Promise<{ maxUses: number | null; uses: number; expiresAt: string | null }[]> {
  const answer = await fetch(`${gateway.apiUrl}/files/${id}/links`)
  return ((await answer.json()) as { links: [] }).links
}

async function openDrawer(o: Parameters<typeof openConsole>[2] = {}): Promise<Page> {
  const page = await openConsole(browser, gateway.apiUrl, o)
  await page.goto(`${gateway.apiUrl}/#/files/${id}`)
  await page.getByRole('heading', { name: 'Share links' }).waitFor()
  return page
}

beforeEach(async () => {
  id = (await storeFile(gateway, textFile('minutes of may.txt', 'what was said'))).id
})

describe('share links', () => {
  it('are created with an expiry and a number of uses, copied, and counted', async () => {
    const page = await openDrawer(clipboard)
    await page.getByText('No links yet.').waitFor()
    await page.getByRole('combobox', { name: 'Expires after' }).selectOption('3600')
    await page.getByRole('textbox', { name: 'Uses' }).fill('2')
    await page.getByRole('button', { name: 'Create and copy' }).click()
    await page.getByText('Link created and copied.').waitFor()
    const url = await page.evaluate(() => navigator.clipboard.readText())
    expect(url).toMatch(new RegExp(`^${gateway.apiUrl}/l/[\\w-]{43}$`))
    const [link] = await kept()
    expect(link).toMatchObject({ maxUses: 2, uses: 0 })
    expect(Date.parse(link?.expiresAt ?? '') - Date.now()).toBeGreaterThan(3500_000)
    const working = page.getByRole('list', { name: 'Active links' })
    await working.getByText('2 of 2 uses left').waitFor()
    await working.getByText('expires in 1 hour').waitFor()

    expect(await (await fetch(url)).text()).toBe('what was said')
    // The page looks again by itself.
    await working.getByText('1 of 2 uses left').waitFor()
    expect(await status(url)).toBe(302)
    // And at once when one comes back to it.
    await page.evaluate(() => dispatchEvent(new Event('visibilitychange')))
    await page.getByText('1 link expired or used up').click()
    await page.getByRole('list', { name: 'Expired or used up links' }).getByText('used up (2 of 2 uses)').waitFor()
    expect(await working.count()).toBe(0)
  })

  it('have smaller QR codes than signed URLs', async () => {
    const page = await openDrawer(clipboard)
    expect(await page.getByRole('button', { name: 'QR code', exact: true }).count()).toBe(0)
    await page.getByRole('button', { name: 'Create a QR code' }).click()
    const code = page.getByRole('img', { name: 'QR code of a link to minutes of may.txt' })
    await code.waitFor()
    await page.getByRole('button', { name: /^Copy link http/ }).click()
    const url = await page.evaluate(() => navigator.clipboard.readText())
    const { data, size } = encode(url, { ecc: 'M', border: 3 })
    expect(await code.getAttribute('viewBox')).toBe(`0 0 ${size} ${size}`)
    const dark = data.flat().filter(Boolean).length
    expect((await code.locator('path').getAttribute('d'))?.split('M')).toHaveLength(dark + 1)
    expect(size).toBeLessThan(50)
    expect(await status(url)).toBe(302)
    await page.getByRole('button', { name: /^QR code of the link/ }).click()
    await code.waitFor({ state: 'detached' })
    expect(await kept()).toMatchObject([{ maxUses: null }])
  })

  it('are revoked after eight seconds, unless the user undoes it', async () => {
    const [one, other] = [await make({ maxUses: 1 }), await make({ maxUses: 7 })]
    const page = await openDrawer()
    const revoke = page.getByRole('button', { name: /^Revoke/ })
    await page.getByText('The URL of a link is shown once').waitFor()
    expect(await page.getByRole('button', { name: /^Copy link http/ }).count()).toBe(0)
    await revoke.filter({ hasText: 'Revoke' }).first().press('Enter')
    await page.getByText('7 of 7 uses left').waitFor({ state: 'detached' })
    // The focus goes on to the next, and what can be undone lies within reach.
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(/1 of 1 use left$/)
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('The link stays active.').waitFor()
    await page.getByText('7 of 7 uses left').waitFor()

    await page.getByRole('button', { name: /^Revoke.*1 of 1 use left$/ }).press('Enter')
    await page.keyboard.press('Control+z')
    await page.getByText('1 of 1 use left').waitFor()
    await revoke.first().click()
    expect(await status(other.url)).toBe(302)
    await page.getByText('The link was revoked.').waitFor()
    expect(await status(other.url)).toBe(404)
    expect(await kept()).toHaveLength(1)

    await revoke.first().click()
    await page.getByText('No links yet.').waitFor()
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Share links')
    await page.goto('about:blank')
    await expect.poll(() => status(one.url)).toBe(404)
  })

  it('explain an invalid form, a rejected request and a list that fails to load', async () => {
    const page = await openDrawer()
    await page.getByRole('textbox', { name: 'Uses' }).fill('2.5')
    await page.keyboard.press('Enter')
    await page.getByText('Uses must be a whole number of at least 1. Leave it empty for no limit.').waitFor()
    expect(await kept()).toEqual([])
    await page.getByRole('textbox', { name: 'Uses' }).fill('')
    await Promise.all(Array.from({ length: 100 }, () => make()))
    await page.getByRole('button', { name: 'Create and copy' }).click()
    await expect.poll(() => page.locator('#link-refusal').textContent()).toMatch(/100/)

    await makeUnavailable(page, '**/links', { detail: 'The catalog is away.' })
    await page.reload()
    await page.getByText('Could not load the links. The catalog is away.').waitFor()
    await page.unroute('**/links')
    await page.getByRole('button', { name: 'Retry' }).click()
    await page.getByRole('list', { name: 'Active links' }).waitFor()
  })

  it.each(['light', 'dark'] as const)('pass axe-core, and fit on a phone (%s)', async (colorScheme) => {
    await make({ maxUses: 3, expiresIn: 86_400 })
    const spent = await make({ maxUses: 1 })
    await status(spent.url)
    const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
    const page = await openDrawer({ colorScheme, reducedMotion: 'reduce', ...phone })
    await page.getByText('1 link expired or used up').tap()
    await page.getByRole('button', { name: 'Create a QR code' }).tap()
    await page.getByRole('img', { name: /^QR code/ }).waitFor()
    await page.getByRole('button', { name: /^Revoke.*3 of 3/ }).tap()
    await page.getByRole('button', { name: 'Undo' }).waitFor()
    expect(await barriers(page)).toEqual([])
    expect(await overflow(page)).toBe(0)
    const small = await page.evaluate(() =>
      Array.from(document.querySelectorAll('.links :is(button, input, select, summary), .undo button'))
        .filter((e) => !e.closest('.copy-text'))
        .map((e) => [e.textContent, e.getBoundingClientRect().height] as const)
        .filter(([, height]) => height < 43.5),
    )
    expect(has('touch') ? small : []).toEqual([])
  })
})

describe('without support for share links', () => {
  it('shows the reason of the server, and a QR code of the signed URL instead', async () => {
    const page = await openDrawer()
    const refusal = { code: 'NotSupported', detail: 'Share links need a store whose bytes pass through this server.' }
    await page.route('**/links', (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({ status: 422, contentType: 'application/problem+json', body: JSON.stringify(refusal) })
        : route.continue(),
    )
    await page.getByRole('button', { name: 'Create and copy' }).click()
    await page.getByText(refusal.detail).waitFor()
    expect(await page.getByRole('button', { name: 'Create and copy' }).count()).toBe(0)
    await page.getByRole('button', { name: 'QR code', exact: true }).click()
    await page.getByText('Opens the file for 1 hour from now.').waitFor()
    await page.getByRole('img', { name: 'QR code of a link to minutes of may.txt' }).waitFor()
  })
})
