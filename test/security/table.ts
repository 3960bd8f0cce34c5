/**
 * All cases of docs/security.md by number, with response and tests. `npm run docs:security` generates the tables of the
 * page, and a test compares them.
 */
import { fileRows } from './table-files.ts'
import { httpRows } from './table-http.ts'
import { signatureRows } from './table-signatures.ts'

export type Row = {
  /** Numbers of the cases. */
  rows: readonly number[]
  case: string
  /** Response codes, as explained on the page. */
  answer: string
  /** Files below test/, without their endings. */
  tests: readonly string[]
}

export type Section = { title: string; rows: readonly Row[] }

export const sections: readonly Section[] = [...signatureRows, ...httpRows, ...fileRows]
