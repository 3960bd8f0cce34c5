import { beforeAll, describe, expect, it } from 'vitest'
import type { ListOptions, ObjectPage } from '../../../src/drivers/driver.ts'
import { freshPrefix, put, codeOf, type Suite } from './suite-tools.ts'

export function listing(suite: Suite): void {
  const prefix = freshPrefix()
  const names = ['a', 'a-b', 'a/1', 'a/2', 'a/b/3', 'b', 'c/1', 'c/d/2', '%', '_', '%x', 'e\uff5e', 'e\u{1f600}', 'é']
  const inOrder = names.toSorted((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
  beforeAll(async () => {
    for (const name of names) await put(suite, { bucket: suite.bucket, key: prefix + name }, name)
  }, 30_000)

  const list = (o: Partial<ListOptions> = {}): Promise<ObjectPage> =>
    suite.driver.listObjects({ bucket: suite.bucket, ...o, prefix: prefix + (o.prefix ?? '') })
  const short = (page: ObjectPage): { keys: string[]; prefixes: string[] } => ({
    keys: page.objects.map(({ key }) => key.slice(prefix.length)),
    prefixes: page.commonPrefixes.map((name) => name.slice(prefix.length)),
  })

  it('is in the order of UTF-8 bytes, beyond the BMP too', async () => {
    const page = await list()
    expect(short(page).keys).toEqual(inOrder)
    expect(page.isTruncated).toBe(false)
    expect(page.nextContinuationToken).toBeUndefined()
  })

  it('returns size, etag and time', async () => {
    const [object] = (await list({ prefix: 'a-b' })).objects
    const head = await suite.driver.headObject({ bucket: suite.bucket, key: `${prefix}a-b` })
    expect(object).toMatchObject({ contentLength: 3, etag: head.etag })
    expect(Math.abs(object!.lastModified.getTime() - head.lastModified.getTime())).toBeLessThan(1000)
  })

  it('takes a prefix literally', async () => {
    expect(short(await list({ prefix: 'a/' })).keys).toEqual(['a/1', 'a/2', 'a/b/3'])
    expect(short(await list({ prefix: '%' })).keys).toEqual(['%', '%x'])
    expect(short(await list({ prefix: '_' })).keys).toEqual(['_'])
    expect(short(await list({ prefix: 'nothing' })).keys).toEqual([])
    expect(short(await list({ prefix: 'e\u{1f600}' })).keys).toEqual(['e\u{1f600}'])
  })

  it('groups keys at a delimiter', async () => {
    expect(short(await list({ delimiter: '/' }))).toEqual({
      keys: inOrder.filter((name) => !name.includes('/')),
      prefixes: ['a/', 'c/'],
    })
    expect(short(await list({ prefix: 'a/', delimiter: '/' }))).toEqual({ keys: ['a/1', 'a/2'], prefixes: ['a/b/'] })
    expect(short(await list({ prefix: 'a', delimiter: '-b' }))).toEqual({
      keys: ['a', 'a/1', 'a/2', 'a/b/3'],
      prefixes: ['a-b'],
    })
  })

  it.each([1, 2, 3, 5, 100])(
    'pages by %d without a gap or a repetition',
    async (maxKeys) => {
      for (const delimiter of [undefined, '/']) {
        const keys: string[] = []
        const prefixes: string[] = []
        let token: string | undefined
        do {
          const page: ObjectPage = await list({
            maxKeys,
            ...(delimiter && { delimiter }),
            ...(token !== undefined && { continuationToken: token }),
          })
          expect(page.objects.length + page.commonPrefixes.length).toBeLessThanOrEqual(maxKeys)
          expect(page.isTruncated).toBe(page.nextContinuationToken !== undefined)
          keys.push(...short(page).keys)
          prefixes.push(...short(page).prefixes)
          token = page.nextContinuationToken
        } while (token !== undefined)
        expect(keys).toEqual(delimiter ? inOrder.filter((name) => !name.includes('/')) : inOrder)
        expect(prefixes).toEqual(delimiter ? ['a/', 'c/'] : [])
      }
    },
    30_000,
  )

  it('is not truncated if the page contains exactly all keys', async () => {
    const page = await list({ maxKeys: names.length })
    expect(page.objects).toHaveLength(names.length)
    expect(page.isTruncated).toBe(false)
    expect((await list({ prefix: 'a/', delimiter: '/', maxKeys: 3 })).isTruncated).toBe(false)
  })

  it('is empty and complete for a page of zero keys', async () => {
    const page = await list({ maxKeys: 0 })
    expect(page).toMatchObject({ objects: [], commonPrefixes: [], isTruncated: false })
  })

  describe('starting after', () => {
    it.each([
      ['a', inOrder.slice(inOrder.indexOf('a') + 1)],
      ['a/', inOrder.slice(inOrder.indexOf('a/1'))],
      ['a0', inOrder.slice(inOrder.indexOf('b'))],
      ['zzz', inOrder.filter((name) => name > 'zzz')],
    ])('%j', async (after, rest) => {
      expect(short(await list({ startAfter: prefix + after })).keys).toEqual(rest)
    })

    it('skips all keys of a common prefix', async () => {
      expect(short(await list({ startAfter: `${prefix}a/`, delimiter: '/' }))).toEqual({
        keys: ['b', ...inOrder.filter((name) => name > 'c/z')],
        prefixes: ['c/'],
      })
    })
  })

  it('rejects a token that it did not create', async () => {
    expect(await codeOf(list({ continuationToken: 'never!' }))).toBe('InvalidArgument')
  })
}
