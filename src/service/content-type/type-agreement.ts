/** Whether bytes fit the type that was declared for them. */
import { supportedMimeTypes } from 'file-type'
import { essenceOf } from '../../media-type.ts'
import { defaultType } from './declared-type.ts'
import type { Recognised, Wrapping } from './recognise.ts'
import { areRelated, hasMandatorySignature, isInFamily, isNeverText, isZipped } from './type-families.ts'

/**
 * `unknown`: nothing speaks against the type, and nothing for it. `missing`: the bytes are no known format, and lack
 * what every file of this type has.
 */
export type Agreement = 'agrees' | 'contradicts' | 'missing' | 'unknown'

const textual = [
  /^text\//,
  /\+(?:json|xml|yaml)$/,
  /^application\/(?:json|jsonl|ndjson|x-ndjson|xml|yaml|x-yaml|toml|sql|graphql|rtf|x-sh)$/,
  /^application\/(?:javascript|ecmascript|x-javascript)$/,
]
const markup = /^(?:text\/.*|application\/xml|.*\+xml)$/
/** Signatures of ASCII letters: such bytes are text and yet are something else. */
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

/** No test data begins like these by chance. */
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

/** Text that merely begins like something (`BM`, `MZ`) is still text; bytes that no text holds are not. */
function agreesWithText(type: string, bytes: Recognised): Agreement {
  if (!bytes.textual) return 'contradicts'
  const foreign = bytes.signature !== undefined && printableSignatures.has(bytes.signature)
  return foreign && !areRelated(type, bytes.signature ?? '') ? 'contradicts' : 'agrees'
}

const recognisable = new Set([...supportedMimeTypes].map(essenceOf))

/** A type whose bytes would have been recognised as itself. */
const isKnown = (type: string): boolean => recognisable.has(type) || isZipped(type) || isInFamily(type)
