/** Decides whether bytes match their declared type. */
import { supportedMimeTypes } from 'file-type'
import { essenceOf } from '../../media-type.ts'
import { defaultType } from './declared-type.ts'
import type { Recognised, Wrapping } from './recognise.ts'
import { areRelated, hasMandatorySignature, isInFamily, isNeverText, isZipped } from './type-families.ts'

/**
 * `unknown`: the bytes neither support nor contradict the type. `missing`: the bytes have no known format and lack the
 * signature that every file of this type has.
 */
export type Agreement = 'agrees' | 'contradicts' | 'missing' | 'unknown'

const textual = [
  /^text\//,
  /\+(?:json|xml|yaml)$/,
  /^application\/(?:json|jsonl|ndjson|x-ndjson|xml|yaml|x-yaml|toml|sql|graphql|rtf|x-sh)$/,
  /^application\/(?:javascript|ecmascript|x-javascript)$/,
]
const markup = /^(?:text\/.*|application\/xml|.*\+xml)$/
/** Signatures of ASCII letters. Files of these types can be text and still have the type. */
const printableSignatures = new Set(['application/pdf', 'application/postscript', 'application/eps'])

export function agreement(declared: string, bytes: Recognised): Agreement {
  const type = essenceOf(declared)
  if (bytes.markup !== undefined) return agreesWithMarkup(type, bytes.markup)
  if (textual.some((pattern) => pattern.test(type))) return agreesWithText(type, bytes)
  if (type === defaultType) return 'agrees'
  if (bytes.signature !== undefined && areRelated(type, bytes.signature)) return 'agrees'
  if (bytes.signature === undefined || bytes.weak) return withoutSignature(type, bytes)
  return isKnown(type) || !type.startsWith('application/') ? 'contradicts' : 'unknown'
}

/** Wrappings that no real file starts with by chance. */
const unmistakable: ReadonlySet<Wrapping | undefined> = new Set(['form', 'data URL', 'stringified object'])

function withoutSignature(type: string, bytes: Recognised): Agreement {
  if (unmistakable.has(bytes.wrapping) && isNeverText(type)) return 'contradicts'
  return hasMandatorySignature(type) || ((bytes.utf8 || bytes.empty) && isNeverText(type)) ? 'missing' : 'unknown'
}

function agreesWithMarkup(type: string, found: NonNullable<Recognised['markup']>): Agreement {
  if (type === defaultType) return 'agrees'
  if (type === 'image/svg+xml') return found === 'text/html' ? 'contradicts' : 'agrees'
  if (markup.test(type)) return 'agrees'
  return isKnown(type) || type.endsWith('json') || !type.startsWith('application/') ? 'contradicts' : 'unknown'
}

/** Text that starts with a weak signature (`BM`, `MZ`) is still text. Bytes that text never contains are not. */
function agreesWithText(type: string, bytes: Recognised): Agreement {
  if (!bytes.textual) return 'contradicts'
  const foreign = bytes.signature !== undefined && printableSignatures.has(bytes.signature)
  return foreign && !areRelated(type, bytes.signature ?? '') ? 'contradicts' : 'agrees'
}

const recognisable = new Set([...supportedMimeTypes].map(essenceOf))

/** A type whose bytes would have been recognised as itself. */
const isKnown = (type: string): boolean => recognisable.has(type) || isZipped(type) || isInFamily(type)
