/** Content types as clients declare them and stores return them. */
import { lookup } from 'mime-types'
import { StorageError } from '../errors.ts'

const wellFormed =
  /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}(?:\s*;\s*[\w!#$&^.+-]+=(?:[\w!#$&^.+-]+|"[\t\x20\x21\x23-\x5b\x5d-\x7e]*"))*$/

export const defaultType = 'application/octet-stream'

/** What stores say of an object whose writer named no type. */
const unnamedTypes = new Set(['', defaultType, 'binary/octet-stream'])
export const isUnnamed = (type: string | undefined): boolean => unnamedTypes.has(baseType(type ?? ''))

/** `Image/PNG; q="1"` → `image/png`. */
export const baseType = (type: string): string => (type.split(';', 1)[0] ?? '').trim().toLowerCase()

export const sameType = (a: string, b: string): boolean => baseType(a) === baseType(b)

export function parseMediaType(type: string): string {
  const trimmed = type.trim()
  if (trimmed.length <= 255 && wellFormed.test(trimmed)) return trimmed
  throw new StorageError('InvalidArgument', { message: 'mimeType is no media type: send one such as image/png.' })
}

/** The type an undeclared upload most likely has, by its name. */
export const guessType = (filename: string): string => lookup(filename) || defaultType

/** `allowed` holds types, `image/*` and `*\/*`. */
export function isListed(type: string, allowed: readonly string[]): boolean {
  const base = baseType(type)
  const family = `${base.split('/', 1)[0]}/*`
  return allowed.some((entry) => {
    const item = entry.toLowerCase()
    return item === '*/*' || item === base || item === family
  })
}
