import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { followedDigest, runExample, type RunningExample, sampleFile } from '../fixtures/run-example.ts'

describe('the Express example: presigns with the AWS SDK only', () => {
  let example: RunningExample
  beforeAll(async () => {
    example = await runExample('express')
  })
  afterAll(() => example?.close())

  it.for(['to a URL, by PUT', 'as a form, by POST'])('uploads %s', async (how) => {
    const { page, faults } = example
    const { name, path, sha256 } = await sampleFile(`${how} é (1).txt`, 300_000)
    await page.getByLabel(how).check()
    await page.getByLabel('File').setInputFiles(path)
    await page.getByRole('button', { name: 'Upload' }).click()
    await page
      .getByRole('status')
      .filter({ hasText: `${name} is uploaded.` })
      .waitFor()
    const href = await page.getByRole('link', { name }).getAttribute('href')
    expect(await followedDigest(page, href!)).toBe(sha256)
    expect(faults).toEqual([])
  })
})
