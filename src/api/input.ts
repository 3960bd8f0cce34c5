/** Validates request bodies and queries. Error messages name the field and what to send instead. */
import { z } from 'zod'
import type { ChecksumAlgorithm } from '../drivers/driver.ts'
import { StorageError } from '../errors.ts'

const text = (what: string) => z.string({ error: `expects ${what}` })
const filename = text('a name such as "photo.jpg"')
  .min(1, 'is empty. Send a name such as "photo.jpg"')
  .max(4096, 'is too long')
const mimeType = text('a type such as "image/png"').max(255, 'is too long')
const size = z.int('expects whole bytes, 0 or more').min(0, 'expects whole bytes, 0 or more')
/** Algorithms that every store with checksums supports. */
const declarable = ['sha1', 'sha256', 'crc32', 'crc32c', 'crc64nvme'] as const satisfies readonly ChecksumAlgorithm[]
const checksum = z.strictObject(
  {
    algorithm: z.enum(declarable, { error: `expects one of ${declarable.join(', ')}` }),
    value: text('the digest in base64').max(128, 'is too long'),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? undefined : 'expects { "algorithm": "sha256", "value": "<base64>" }',
  },
)
/** The service checks metadata names together with their sizes. */
export const metadataNames = { propertyNames: { type: 'string', pattern: '^[A-Za-z0-9_.-]{1,128}$' } } as const
const metadata = z
  .record(z.string(), text('a string'), { error: 'expects a flat object of strings' })
  .meta({ override: metadataNames })
/** S3's limit in seconds. The server's limit (uploads.maxExpiresIn) may be lower. */
const week = 604_800
const expiresIn = z.int('expects whole seconds').meta({ override: { minimum: 1, maximum: week } })

/** For the OpenAPI document: a required field that is not null. */
const sent = (name: string, type: 'string' | 'object') => ({ required: [name], properties: { [name]: { type } } })

export const uploadInput = z.strictObject({
  filename,
  mimeType: mimeType.optional(),
  size: size.optional(),
  checksum: checksum.optional(),
  visibility: z.enum(['private', 'public'], { error: 'expects "private" or "public"' }).optional(),
  method: z.enum(['PUT', 'POST'], { error: 'expects "PUT" or "POST"' }).optional(),
  expiresIn: expiresIn.optional(),
  metadata: metadata.optional(),
  autoConfirm: z.boolean('expects true or false').optional(),
  writeOnce: z.boolean('expects true or false').optional(),
})

export const renewInput = z.strictObject({ expiresIn: expiresIn.optional() })

export const confirmInput = z
  .strictObject({
    id: text('the id that upload-url returned').max(255, 'is too long').optional(),
    key: text('the key that upload-url returned').max(1024, 'is too long').optional(),
    filename: filename.optional(),
    mimeType: mimeType.optional(),
    size: size.optional(),
    checksum: checksum.optional(),
  })
  .meta({ override: { oneOf: [sent('id', 'string'), sent('key', 'string')] } })

export const patchInput = z
  .strictObject({ filename: filename.optional(), metadata: metadata.optional() })
  .meta({ override: { anyOf: [sent('filename', 'string'), sent('metadata', 'object')] } })

/** A number in a query. Digits only, because Number() also accepts `0x10`, `1e3` and spaces. */
const queryInt = (what: string, most: number, described = most) =>
  z
    .string({ error: `expects ${what}` })
    .regex(/^\d{1,9}$/, `expects ${what}`)
    .transform(Number)
    .refine((n) => n >= 1 && n <= most, `expects ${what}`)
    .meta({
      override: ({ jsonSchema }) => {
        delete jsonSchema.pattern
        Object.assign(jsonSchema, { type: 'integer', minimum: 1, maximum: described })
      },
    })

export const listQuery = z.object({
  limit: queryInt('1 to 100', 100).default(50),
  cursor: text('the nextCursor of the previous page, once')
    .min(1, 'is empty. Leave it out for the first page')
    .max(1024, 'is too long')
    .optional(),
  q: text('a part of a filename, once').max(255, 'is too long').optional(),
})

export const downloadQuery = z.object({
  disposition: z.enum(['inline', 'attachment'], { error: 'expects "inline" or "attachment"' }).optional(),
  expiresIn: queryInt('whole seconds', 999_999_999, week).optional(),
})

/** Without either field, a link works until it is revoked or its file is deleted. */
export const linkInput = z.strictObject({
  maxUses: z
    .int('expects a whole number, 1 or more')
    .min(1, 'expects a whole number, 1 or more')
    .max(1_000_000_000, 'is over the limit of 1000000000')
    .optional(),
  expiresIn: z
    .int('expects whole seconds, 1 or more')
    .min(1, 'expects whole seconds, 1 or more')
    .max(315_360_000, 'is over the limit of ten years (315360000 seconds)')
    .optional(),
})

/** The output of a schema. JSON and queries contain no `undefined`, so a field is present or absent. */
export type Input<T extends z.ZodObject> = { [K in keyof z.infer<T>]: Exclude<z.infer<T>[K], undefined> }

/** Field names that other clients use. */
const aliases: Record<string, string> = {
  fileName: 'filename',
  fileType: 'mimeType',
  contentType: 'mimeType',
  fileSize: 'size',
}

/** Fields that only the server sets. */
const serverFields = new Set([
  'owner',
  'key',
  'status',
  'id',
  'bucket',
  'object',
  'createdAt',
  'confirmedAt',
  'user',
  'sub',
])

export function parseBody<T extends z.ZodObject>(schema: T, body: unknown): Input<T> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('The body must be a JSON object.')
  const fields: Record<string, unknown> = {}
  for (const [given, value] of Object.entries(body)) {
    const name = aliases[given] ?? given
    if (!Object.hasOwn(schema.shape, name)) throw unknownField(given, Object.keys(schema.shape))
    if (value === null) continue
    if (Object.hasOwn(fields, name) && fields[name] !== value)
      throw invalid(`${given} and ${name} have different values. Send only one of them.`, given)
    fields[name] = value
  }
  // Browsers send '' for a file of unknown type.
  if (fields['mimeType'] === '') delete fields['mimeType']
  return parse(schema, fields)
}

export const parseQuery = <T extends z.ZodObject>(schema: T, query: object): Input<T> => parse(schema, { ...query })

function parse<T extends z.ZodObject>(schema: T, value: Record<string, unknown>): Input<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data as Input<T>
  const issue = result.error.issues[0]
  const field = issue?.path.join('.') ?? ''
  const missing = issue?.code === 'invalid_type' && issue.path.length === 1 && !Object.hasOwn(value, field)
  throw invalid(`${field} ${missing ? 'is missing. It ' : ''}${issue?.message ?? 'is not valid'}.`, field)
}

function unknownField(name: string, known: readonly string[]): StorageError {
  const why = serverFields.has(name) ? 'is set by the server and cannot be sent' : 'is not a known field'
  return invalid(`${JSON.stringify(name)} ${why}. Known fields: ${known.join(', ')}.`, name)
}

const invalid = (message: string, field?: string) =>
  new StorageError('InvalidArgument', { message, ...(field ? { details: { field } } : {}) })
