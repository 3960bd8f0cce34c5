/** The Chromium that comes with the checkout works on a machine without a browser. */
import { expect, it } from 'vitest'
import { findChromium, launchChromium } from '../fixtures/chromium.ts'

const packaged = await findChromium({ lookup: 'packaged' })

it.runIf(packaged)('starts the packaged Chromium using only its bundled libraries', async () => {
  const browser = await launchChromium({ lookup: 'packaged', env: {} })
  try {
    const page = await browser.newPage()
    await page.setContent('<p>ready</p><input type="password" value="drawn with a glyph of its own">')
    await page.screenshot()
    expect(await page.textContent('p')).toBe('ready')
    expect(await page.evaluate(() => typeof XMLHttpRequest)).toBe('function')
  } finally {
    await browser.close()
  }
})

it('rejects a CHROMIUM_PATH without a program', async () => {
  await expect(findChromium({ env: { CHROMIUM_PATH: '/nonexistent/chromium' } })).rejects.toThrow(
    '/nonexistent/chromium',
  )
})
