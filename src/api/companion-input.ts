/** Input of the Companion routes that Uppy calls. */
import type { ParsedUrlQuery } from 'node:querystring'
import { z } from 'zod'
import { StorageError } from '../errors.ts'
import type { RequestedUpload } from '../service/uploads/upload-request.ts'
import { metadataNames, parseBody, parseQuery } from './input.ts'
import { completeInput, issuePartsInput } from './multipart-input.ts'

const filename = z
  .string({ error: 'expects one name such as "photo.jpg"' })
  .min(1, 'is empty. Send a name such as "photo.jpg"')
  .max(4096, 'is too long')
const type = z.string({ error: 'expects one type such as "image/png"' }).max(255, 'is too long')

// textOf() checks the type against the metadata rules.
const scalar = z.unknown().meta({ override: { type: ['string', 'number', 'boolean', 'null'] } })

export const paramsQuery = z.object({ filename, type: type.optional() })
export const beginInput = z.strictObject({
  filename,
  type: type.optional(),
  metadata: z.record(z.string(), scalar, { error: 'expects an object' }).meta({ override: metadataNames }).optional(),
})

const partText = 'expects { "PartNumber": 1, "ETag": "…" }'
// parseParts() checks it after renaming.
const partNumber = z.unknown().meta({ override: { type: 'integer', minimum: 1, maximum: 10_000 } })
const etag = z.unknown().meta({ override: { type: 'string', minLength: 1, maxLength: 256 } })
export const listedParts = z.strictObject({
  parts: z
    .array(z.object({ PartNumber: partNumber, ETag: etag }, { error: partText }), {
      error: `is a list in which each part ${partText}`,
    })
    .min(1, 'is empty. Send at least one part'),
})

export const keyQuery = z.object({
  key: z.string({ error: 'expects the key of the upload, once' }).max(1024, 'is too long'),
})

type Wanted = Pick<RequestedUpload, 'filename' | 'mimeType' | 'metadata'>

/** `?filename&type&metadata[name]=value` */
export function parseParams(query: ParsedUrlQuery): Wanted {
  const metadata = Object.entries(query).flatMap(([name, value]) => {
    const field = /^metadata\[(.*)\]$/.exec(name)?.[1]
    return field === undefined ? [] : [[field, value] as const]
  })
  return wanted({ ...parseQuery(paramsQuery, query), metadata: Object.fromEntries(metadata) })
}

export const parseBegin = (body: unknown): Wanted => wanted(parseBody(beginInput, body))

export const parseKey = (query: ParsedUrlQuery): string => parseQuery(keyQuery, query).key

export const parsePartNumber = (text: string): number => parsePartNumbers(text)[0] ?? 0

/** For example `1,2,3`. */
export function parsePartNumbers(list: unknown): number[] {
  const numbers = typeof list === 'string' && /^\d{1,5}(,\d{1,5})*$/.test(list) ? list.split(',').map(Number) : []
  return parseBody(issuePartsInput, { partNumbers: numbers }).partNumbers
}

/** Parts with S3's names. ETags may be quoted, because Uppy reads new ones from a header. */
export function parseParts(body: unknown): { partNumber: number; etag: string }[] {
  const { parts } = parseBody(listedParts, body)
  const renamed = parts.map(({ PartNumber, ETag }) => ({ partNumber: PartNumber, etag: ETag }))
  return parseBody(completeInput, { parts: renamed }).parts ?? []
}

/** Values that Uppy sends for an unknown or missing type. */
const noType = new Set(['', 'application/octet-stream', 'undefined', 'null'])

function wanted(o: { filename: string; type?: string; metadata?: Record<string, unknown> }): Wanted {
  const isKnown = o.type !== undefined && !noType.has(o.type)
  return { filename: o.filename, ...(isKnown ? { mimeType: o.type } : {}), metadata: texts(o.metadata ?? {}) }
}

/**
 * The metadata as texts, without the name and type that Uppy sends a second time. In a query, missing values are
 * spelled `null` or `undefined`.
 */
function texts(metadata: Record<string, unknown>): Record<string, string> {
  const entries = Object.entries(metadata).flatMap(([name, value]) => {
    if (name === 'name' || name === 'type') return []
    const text = textOf(name, value)
    return text === 'null' || text === 'undefined' ? [] : [[name, text] as const]
  })
  return Object.fromEntries(entries)
}

function textOf(name: string, value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  throw new StorageError('InvalidArgument', {
    message: `The metadata value ${JSON.stringify(name)} is not a text, a number, true or false.`,
    details: { field: 'metadata' },
  })
}
