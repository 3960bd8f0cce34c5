/** Every relative link in the documentation resolves, and the decisions are numbered without gaps. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

function pagesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md') && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name))
}

const pages = [
  ...readdirSync(root)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(root, name)),
  ...pagesBelow(join(root, 'docs')),
  ...pagesBelow(join(root, 'examples')),
]

const withoutCode = (page: string): string => readFileSync(page, 'utf8').replace(/^( *)```[\s\S]*?^\1```/gm, '')

/** As GitHub makes them of headings. */
const anchors = (page: string): Set<string> =>
  new Set(
    [...withoutCode(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading!
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  )

describe('links', () => {
  test.each(pages.map((page) => [relative(root, page), page] as const))('of %s resolve', (_, page) => {
    const targets = [...withoutCode(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
    const broken = targets.filter((target) => {
      if (/^[a-z]+:/.test(target)) return false
      const [path, anchor] = target.split('#')
      const file = path === '' ? page : join(dirname(page), path!)
      return !existsSync(file) || (anchor !== undefined && !anchors(file).has(anchor))
    })
    expect(broken).toEqual([])
  })
})

describe('decisions', () => {
  const folder = join(root, 'docs/decisions')
  const files = readdirSync(folder).filter((name) => /^\d/.test(name))

  test('are numbered from 0001 without gaps: a new one takes the next number', () => {
    expect(files.map((name) => name.slice(0, 5))).toEqual(files.map((_, i) => `${String(i + 1).padStart(4, '0')}-`))
  })

  test.each(files)('%s has its number, a status and a date', (name) => {
    const form = /^# (\d{4}) .+\n\nStatus: (proposed|accepted|superseded by \d{4})\. Date: \d{4}-\d\d-\d\d\./
    expect(readFileSync(join(folder, name), 'utf8')).toMatch(form)
    expect(form.exec(readFileSync(join(folder, name), 'utf8'))![1]).toBe(name.slice(0, 4))
  })
})
