/** Content types as clients declare them and stores return them. */
import { extname } from 'node:path'
import { lookup } from 'mime-types'
import { StorageError } from '../../errors.ts'
import { essenceOf, parseMimeType } from '../../media-type.ts'
import { canonicalType } from './type-families.ts'

export const defaultType = 'application/octet-stream'

/** Types that stores and browsers use for bytes without a declared type. */
const unnamedTypes = new Set(['', defaultType, 'binary/octet-stream'])
export const isUnnamed = (type: string | undefined): boolean => unnamedTypes.has(essenceOf(type ?? ''))

/** Compares without parameters, because a client may declare other parameters than it sends. */
export const sameType = (a: string, b: string): boolean => canonicalType(essenceOf(a)) === canonicalType(essenceOf(b))

/** The characters of https://www.rfc-editor.org/rfc/rfc6838#section-4.2. */
const registrable = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/
const headerText = /^[\t\x20-\x7e]{1,255}$/

/**
 * Returns the value unchanged, because the client sends it again with the bytes and the signature covers it. Errors:
 * InvalidArgument if browsers would not read it as one type, for example a list such as `image/png;a=b,text/html`.
 */
export function parseMediaType(value: string): string {
  const trimmed = value.trim()
  const essence = headerText.test(trimmed) ? parseMimeType(trimmed)?.essence : undefined
  if (essence !== undefined && registrable.test(essence) && essenceOf(trimmed) === essence) return trimmed
  throw new StorageError('InvalidArgument', {
    message: `mimeType ${JSON.stringify(value.slice(0, 100))} is not a media type. Send one such as "image/png", or leave it out.`,
  })
}

/** The most likely type of an upload without a declared type, by its filename. */
export const guessType = (filename: string): string => lookup(extname(filename)) || defaultType

/** `declared`: the client named the type itself. Otherwise the bytes must prove it. */
export type NamedType = { mimeType: string; declared: boolean }

/** The declared type, corrected by the filename if necessary. Errors: InvalidArgument. */
export function typeOf(declared: string | undefined, filename: string): NamedType {
  if (declared === undefined || declared.trim() === '') return { mimeType: guessType(filename), declared: false }
  const mimeType = parseMediaType(declared)
  const better = typeByName(essenceOf(mimeType), filename)
  return better === null ? { mimeType, declared: true } : { mimeType: better, declared: false }
}

/**
 * The type by filename, if it is more precise than the browser's type. `application/octet-stream` means that the
 * browser does not know the type, and Firefox on Windows reports every CSV as an Excel sheet. null: keep the browser's
 * type.
 */
export function typeByName(essence: string, filename: string): string | null {
  if (essence === 'application/vnd.ms-excel' && /\.csv$/i.test(filename)) return 'text/csv'
  const guessed = guessType(filename)
  return essence === defaultType && guessed !== defaultType ? guessed : null
}

/** `allowed` lists types, `image/*` and `*\/*`. Other names of the same format match too. */
export function isListed(type: string, allowed: readonly string[]): boolean {
  const essence = essenceOf(type)
  const name = canonicalType(essence)
  return allowed.some((entry) => {
    const item = entry.toLowerCase()
    if (item === '*/*') return true
    if (item.endsWith('/*')) return [essence, name].some((one) => one.startsWith(item.slice(0, -1)))
    return canonicalType(item) === name
  })
}
