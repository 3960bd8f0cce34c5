/** The generated part of docs/security.md. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sections } from './table.ts'

export const pageFile = join(import.meta.dirname, '../../docs/security.md')

const begin = '<!-- The tables are made from test/security/table.ts by `npm run docs:security`. -->'
const end = '<!-- End of the tables. -->'

/** The page with its tables as they should be; what stands before and behind them stays. */
export function renderPage(page: string = readFileSync(pageFile, 'utf8')): string {
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from === -1 || to < from) throw new Error(`${pageFile} does not say where its tables begin and end`)
  return `${page.slice(0, from)}${begin}\n\n${tables()}\n${page.slice(to)}`
}

const tables = (): string =>
  sections
    .map(({ title, rows }) => {
      const lines = rows.map(
        (row) =>
          `| ${numbers(row.rows)} | ${row.case} | ${row.answer} | ${row.tests.map((test) => `\`${test}\``).join(', ')} |\n`,
      )
      return `## ${title}\n\n| row | case | answer | tests |\n|---|---|---|---|\n${lines.join('')}`
    })
    .join('\n')

/** `1–6`, `7, 8`, `9` */
const numbers = (rows: readonly number[]): string => (rows.length > 2 ? `${rows[0]}–${rows.at(-1)}` : rows.join(', '))
