/** docs/s3-compatibility.md names an existing test for every promise, and covers every operation. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/s3-compatibility.md'), 'utf8')
const folders = ['test/s3', 'test/interop'].map((folder) => join(root, folder))

const references = [...page.matchAll(/`([\w-]+(?:\.\w+)*\.(?:ts|py)): ([^`]+)`/g)].map(
  ([, file, title]) => [file!, title!] as const,
)

describe('the page on S3 compatibility', () => {
  test.each(references)('%s has: %s', (file, title) => {
    const path = folders.map((folder) => join(folder, file)).find(existsSync)
    expect(path).toBeDefined()
    // As it stands in the source, where a quote may be escaped.
    expect(readFileSync(path!, 'utf8').replaceAll("\\'", "'")).toContain(title)
  })

  test('names a test in every row of its tables', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('| ') && !line.endsWith('| tested by |'))
    expect(rows.length).toBeGreaterThan(30)
    expect(rows.filter((row) => !/`[\w-]+\.\w[\w.]*: [^`]+` \|$/.test(row))).toEqual([])
  })

  test('has a row for every operation', () => {
    const folder = join(root, 'src/s3/operations')
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    const operations = files.flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(/export const (\w+): Operation\b/g)].map(
        ([, name]) => name!,
      ),
    )
    expect(operations.length).toBeGreaterThan(30)
    const missing = operations.filter((name) => !new RegExp(`\\b${name}\\b`, 'i').test(page))
    expect(missing).toEqual([])
  })
})
