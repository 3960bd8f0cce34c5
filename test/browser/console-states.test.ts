/** The console when requests are rejected, when the server is unreachable, and when there are no files. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { beforeEach, describe, expect, it } from 'vitest'
import { type RunningGateway, startGateway } from '../fixtures/gateway.ts'
import { landscape, scenes } from '../fixtures/sample-image.ts'
import { browser, useBrowser } from './console-fixture.ts'
import { choose, makeUnavailable, openConsole, row, storeFile, storedNames, textFile } from './console-page.ts'
import { barriers } from './console-requests.ts'
import { limit } from '../fixtures/time-limit.ts'

let gateway: RunningGateway
useBrowser()

describe('a server that requires sign-in', () => {
  beforeEach(async () => {
    gateway = await startGateway({ auth: { clockTolerance: 0 } })
    return () => gateway.close()
  })

  const submit = async (page: Page, token: string): Promise<void> => {
    await page.getByLabel('Access token').fill(token)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }

  it('keeps the token for the tab, and needs no cookie for thumbnails and downloads', async () => {
    const token = await gateway.token('alice')
    await storeFile(
      gateway,
      { name: 'night.png', mimeType: 'image/png', buffer: landscape(64, 48, scenes.night) },
      token,
    )
    const page = await openConsole(browser, gateway.apiUrl)
    await page.getByRole('heading', { name: 'Sign in to Postern' }).waitFor()
    expect(await barriers(page)).toEqual([])
    await submit(page, token)
    const thumbnail = row(page, 'night.png').locator('img')
    await thumbnail.waitFor()
    expect(await thumbnail.evaluate(async (img: HTMLImageElement) => (await img.decode(), img.naturalWidth))).toBe(64)
    await page.getByText('alice', { exact: true }).waitFor()
    await page.reload()
    await row(page, 'night.png').waitFor()
    expect(await page.evaluate(() => [document.cookie, localStorage.length])).toEqual(['', 0])

    const download = page.waitForEvent('download')
    await row(page, 'night.png').hover()
    await page.getByRole('button', { name: 'Download night.png' }).click()
    expect((await download).suggestedFilename()).toBe('night.png')

    await choose(page, [textFile('with a token.txt')])
    await row(page, 'with a token.txt').waitFor()
    await page.getByRole('button', { name: 'Sign out alice' }).click()
    await page.getByRole('heading', { name: 'Sign in to Postern' }).waitFor()
    await submit(page, await gateway.token('bob'))
    await page.getByRole('heading', { name: 'No files yet' }).waitFor()
  })

  it('explains why a token is rejected, and asks again when it has expired', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    await submit(page, 'no token at all')
    await page.getByRole('alert').filter({ hasText: 'This is not a token' }).waitFor()
    await submit(page, await gateway.token('alice', { exp: Math.floor(Date.now() / 1000) - 60 }))
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/expired|valid/i)
    await submit(page, await gateway.token('alice', { exp: Math.floor(Date.now() / 1000) + 4 }))
    await page.getByRole('heading', { name: 'No files yet' }).waitFor()
    await page.waitForTimeout(4500)
    await page.reload()
    await page.getByRole('heading', { name: 'Sign in to Postern' }).waitFor()
    expect(await page.getByRole('alert').textContent()).not.toBe('')
  })
})

describe('errors', () => {
  beforeEach(async () => {
    gateway = await startGateway({ quotas: { userBytes: '1MiB' } }, { dev: true })
    return () => gateway.close()
  })

  it('explains why a file is rejected, without a retry that cannot help', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    await choose(page, [
      { ...textFile('film.avi'), mimeType: 'video/x-msvideo-none' },
      { ...textFile('setup.exe'), mimeType: 'application/x-msdownload' },
      textFile('too much.txt', 'x'.repeat(2 ** 21)),
    ])
    const dock = page.getByRole('region', { name: 'Uploads' })
    await dock.getByText('application/x-msdownload', { exact: false }).waitFor()
    await dock.getByText(/quota|left|room/i).waitFor()
    expect(await page.getByRole('button', { name: 'Retry setup.exe' }).count()).toBe(0)
    expect(await storedNames(gateway)).not.toContain('setup.exe')
  })

  it('shows the store’s message while it retries, without a second reservation', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    const refuse =
      '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate</Message></Error>'
    const puts = { refused: 0 }
    await page.route(
      () => true,
      (route) => {
        if (route.request().method() !== 'PUT' || puts.refused > 0) return route.continue()
        puts.refused += 1
        return route.fulfill({
          status: 503,
          contentType: 'application/xml',
          headers: {
            'access-control-allow-origin': '*',
            'access-control-expose-headers': 'retry-after',
            'retry-after': '2',
          },
          body: refuse,
        })
      },
    )
    await choose(page, [textFile('again.txt', 'x'.repeat(700_000))])
    await page.getByText('Refused: Please reduce your request rate (SlowDown).').waitFor()
    await page.getByText('retrying, attempt 2').waitFor()
    await row(page, 'again.txt').waitFor()
    expect(await storedNames(gateway)).toEqual(['again.txt'])
  })

  it('offers a retry that may help, and continues with the stored bytes', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    const confirms = { answered: 0 }
    await page.route('**/files/confirm', (route) => {
      confirms.answered += 1
      if (confirms.answered > 8) return route.continue()
      return route.fulfill({ status: 503, headers: { 'retry-after': '0' }, body: '' })
    })
    await choose(page, [textFile('again.txt')])
    await page.getByRole('button', { name: 'Retry again.txt' }).click()
    await row(page, 'again.txt').waitFor()
    expect(confirms.answered).toBe(9)
    expect(await storedNames(gateway)).toEqual(['again.txt'])
  })

  it('renews an expired URL automatically', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    const expired =
      '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>'
    const puts: string[] = []
    await page.route(
      () => true,
      (route) => {
        if (route.request().method() !== 'PUT') return route.continue()
        puts.push(route.request().url())
        if (puts.length > 1) return route.continue()
        return route.fulfill({
          status: 403,
          contentType: 'application/xml',
          headers: { 'access-control-allow-origin': '*' },
          body: expired,
        })
      },
    )
    await choose(page, [textFile('late.txt')])
    await row(page, 'late.txt').waitFor()
    expect(puts).toHaveLength(2)
    expect(await storedNames(gateway)).toEqual(['late.txt'])
  })

  it('reports a list that failed to load, and loads it on a retry', async () => {
    await storeFile(gateway, textFile('there.txt'))
    const page = await openConsole(browser, gateway.apiUrl)
    await row(page, 'there.txt').waitFor()
    await makeUnavailable(page, '**/files?**', { detail: 'The catalog does not answer.', requestId: 'req-7' })
    await page.reload()
    await page.getByRole('heading', { name: 'Could not load the files' }).waitFor()
    await page.getByText('The catalog does not answer.').waitFor()
    await page.getByText('Request req-7').waitFor()
    await page.unroute('**/files?**')
    expect(await page.locator('li.file').count()).toBe(0)
    await page.getByRole('button', { name: 'Retry' }).click()
    await row(page, 'there.txt').waitFor()
  })

  it('reports a server that is gone, and keeps a file that it could not delete', async () => {
    await storeFile(gateway, textFile('kept.txt'))
    const page = await openConsole(browser, gateway.apiUrl)
    await row(page, 'kept.txt').hover()
    await page.route('**/files/**', (route) =>
      route.request().method() === 'DELETE' ? route.abort() : route.continue(),
    )
    await page.getByRole('button', { name: 'Delete kept.txt' }).click()
    await page.getByText('kept.txt was not deleted.').waitFor({ timeout: limit(12_000) })
    await row(page, 'kept.txt').waitFor()
    expect(await storedNames(gateway)).toEqual(['kept.txt'])
  })

  it('warns when the quota is nearly used up', async () => {
    await storeFile(gateway, textFile('big.txt', 'x'.repeat(2 ** 20 - 1000)))
    const page = await openConsole(browser, gateway.apiUrl)
    await page.getByText('nearly full').waitFor()
    expect(await page.getByRole('progressbar', { name: 'Storage used' }).getAttribute('aria-valuenow')).toBe('100')
  })
})

describe('a first visit', () => {
  beforeEach(async () => {
    gateway = await startGateway({}, { dev: true })
    return () => gateway.close()
  })

  const snippet = async (page: Page, title: string): Promise<string> => {
    await page.getByRole('heading', { name: 'No files yet' }).waitFor()
    return (await page.getByRole('figure').filter({ hasText: title }).locator('code').textContent()) ?? ''
  }

  it('offers JavaScript that works unchanged', async () => {
    const page = await openConsole(browser, gateway.apiUrl, { permissions: ['clipboard-read', 'clipboard-write'] })
    const code = await snippet(page, 'JavaScript')
    expect(code).toContain(`fetch('${gateway.apiUrl}' + path`)
    await page.getByRole('figure').filter({ hasText: 'JavaScript' }).getByRole('button', { name: 'Copy' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(code)
    const id = await page.evaluate(
      `(async () => {
${code}
return (await upload(new File(['hi'], 'from-code.txt', { type: 'text/plain' }))).id })()`,
    )
    expect(id).toMatch(/^[\w-]+$/)
    expect(await storedNames(gateway)).toEqual(['from-code.txt'])
  })

  it.skipIf(process.platform === 'win32')('offers commands that work unchanged', async () => {
    const page = await openConsole(browser, gateway.apiUrl)
    const code = await snippet(page, 'curl')
    await promisify(execFile)('sh', ['-ec', code], { cwd: gateway.dir, timeout: limit(15_000) })
    await page.reload()
    await row(page, 'hello.txt').waitFor()
    expect(await storedNames(gateway)).toEqual(['hello.txt'])
  })
})
