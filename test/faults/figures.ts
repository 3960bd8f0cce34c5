/** Figures of the suites, printed at the end of the run for docs/reliability.md. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '../../coverage/faults-figures')

export type Figures = Record<string, number | string>

export function forgetFigures(): void {
  rmSync(folder, { recursive: true, force: true })
}

export function noteFigures(suite: string, figures: Figures): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${suite}.json`), JSON.stringify(figures, null, 2))
}

/** By suite, in the order of their names. */
export function readFigures(): Map<string, Figures> {
  let names: string[] = []
  try {
    names = readdirSync(folder).toSorted()
  } catch {
    // No suite came so far.
  }
  return new Map(
    names.map((name) => [name.replace(/\.json$/, ''), JSON.parse(readFileSync(join(folder, name), 'utf8')) as Figures]),
  )
}
