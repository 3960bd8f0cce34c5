import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { followedDigest, runExample, type RunningExample, sampleFile } from '../fixtures/run-example.ts'

describe('the Next.js example: a route handler acts for the signed-in user', () => {
  let example: RunningExample
  beforeAll(async () => {
    example = await runExample('nextjs')
  })
  afterAll(() => example?.close())

  const signIn = async (name: string): Promise<void> => {
    const { page } = example
    await page.context().clearCookies()
    await page.reload()
    await page.getByLabel('Name').fill(name)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText(`Signed in as ${name}.`).waitFor()
  }

  it('uploads directly to the storage, for the signed-in user only', async () => {
    const { page, faults } = example
    const appOrigin = new URL(page.url()).origin
    const storedAt: string[] = []
    page.on('request', (request) => {
      if (request.method() === 'PUT') storedAt.push(new URL(request.url()).origin)
    })
    await signIn('alice')
    const { name, path, sha256 } = await sampleFile('from next é (1).txt', 300_000)
    await page.getByLabel('File').setInputFiles(path)
    await page.getByRole('button', { name: 'Upload' }).click()
    await page
      .getByRole('status')
      .filter({ hasText: `${name} is uploaded.` })
      .waitFor()
    const href = (await page.getByRole('link', { name }).getAttribute('href'))!
    expect(await followedDigest(page, href)).toBe(sha256)
    expect(storedAt).toHaveLength(1)
    expect(storedAt[0]).not.toBe(appOrigin)
    expect(faults).toEqual([])

    await signIn('bob')
    expect((await page.request.get(new URL(href, appOrigin).href)).status()).toBe(404)
  })

  it('sends no request without a signed-in user', async () => {
    const { page } = example
    await page.context().clearCookies()
    const url = new URL('/api/upload-url', page.url()).href
    const answer = await page.request.post(url, { data: { filename: 'a.txt', mimeType: 'text/plain', size: 1 } })
    expect(answer.status()).toBe(401)
    expect(await answer.json()).toEqual({ error: 'Sign in first.' })
  })
})
