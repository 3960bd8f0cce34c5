/** The examples without dependencies, each started with its documented command. */
import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { digest, followedDigest, runExample, type RunningExample, sampleFile } from '../fixtures/run-example.ts'

describe('examples', () => {
  let example: RunningExample | undefined
  afterEach(() => example?.close())

  it('html: uploads in one request and in parts, without a build', async () => {
    example = await runExample('html')
    const { page, faults } = example
    const files = await Promise.all([sampleFile('small é (1).txt', 20_000), sampleFile('large.txt', 20 * 2 ** 20)])
    await page.getByLabel('Files').setInputFiles(files.map(({ path }) => path))
    for (const { name, sha256 } of files) {
      const href = await page.getByRole('link', { name }).getAttribute('href')
      expect(await followedDigest(page, href!)).toBe(sha256)
    }
    expect(faults).toEqual([])
  })

  it('react: uploads through the drop zone and with useUpload', async () => {
    example = await runExample('react')
    const { page, faults } = example
    const dropped = await sampleFile('dropped.txt', 20_000)
    const picture = await sampleFile('picture of me.txt', 30_000)
    await page.locator('.postern-dropzone input').setInputFiles(dropped.path)
    await page.getByLabel('Picture of me').setInputFiles(picture.path)
    for (const { name, sha256 } of [dropped, picture]) {
      const downloading = page.waitForEvent('download')
      await page.getByRole('button', { name: `Download ${name}` }).click()
      const download = await downloading
      expect(download.suggestedFilename()).toBe(name)
      expect(digest(await readFile(await download.path()))).toBe(sha256)
    }
    expect(faults).toEqual([])
  })
})
