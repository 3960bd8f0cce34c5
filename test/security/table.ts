/**
 * Every case of docs/security.md, by its number: what is done, what is answered, which tests prove it. The page's tables
 * are made from this one (`npm run docs:security`), and a test holds the two together.
 */
import { fileRows } from './table-files.ts'
import { httpRows } from './table-http.ts'
import { signatureRows } from './table-signatures.ts'

export type Row = {
  /** Numbers of the cases. */
  rows: readonly number[]
  case: string
  /** Codes as the page explains them. */
  answer: string
  /** Files below test/, without their endings. */
  tests: readonly string[]
}

export type Section = { title: string; rows: readonly Row[] }

export const sections: readonly Section[] = [...signatureRows, ...httpRows, ...fileRows]
