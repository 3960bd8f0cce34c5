/** The table of security cases is complete, its tests exist, and docs/security.md shows it. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pageFile, renderPage } from './page.ts'
import { sections } from './table.ts'

const rows = sections.flatMap((section) => section.rows)

test('each of the 119 cases is in the table once', () => {
  const numbers = rows.flatMap((row) => row.rows)
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 119 }, (_, i) => i + 1))
})

test.each(rows.map((row) => [row.rows.join(', '), row] as const))('%s: is answered by tests that exist', (_, row) => {
  expect(row.case).not.toBe('')
  expect(row.tests.length).toBeGreaterThan(0)
  const absent = row.tests.filter(
    (name) => !endings.some((ending) => existsSync(join(import.meta.dirname, '..', name + ending))),
  )
  expect(absent).toEqual([])
})

/** A suite that several drivers run is no test file itself. */
const endings = ['.test.ts', '.ts', '.faults.ts']

test('docs/security.md shows it: run `npm run docs:security`', () => {
  expect(readFileSync(pageFile, 'utf8')).toBe(renderPage())
})
