/**
 * Response schemas of the JSON API. The OpenAPI document is built from them, and tests check responses against them.
 */
import { z } from 'zod'
import { checksumAlgorithms } from '../../drivers/driver.ts'
import { plainCodes } from '../plain-problem.ts'
import { problemCodes } from '../problem-json.ts'

const time = z.iso.datetime().meta({ description: 'RFC 3339, UTC', example: '2026-11-22T10:31:16.000Z' })
const bytes = z.int().min(0).meta({ description: 'Bytes', example: 48213 })
const url = z.string().meta({ format: 'uri' })
const seconds = z.int().min(1).meta({ description: 'Seconds from now', example: 600 })
const headers = z.record(z.string(), z.string())
const key = z.string().meta({ description: 'The object key', example: 'uploads/0b0c62f5-….jpg' })
const uploadId = z.string().meta({ description: "The store's id of the multipart upload" })

const checksum = z
  .object({
    algorithm: z.enum(checksumAlgorithms),
    value: z.string().meta({ description: 'The digest in base64' }),
  })
  .meta({ id: 'Checksum' })

const file = {
  id: z.string(),
  key,
  filename: z.string(),
  mimeType: z.string().meta({ example: 'image/jpeg' }),
  size: bytes.nullable().meta({ description: 'Bytes, as reported by the store; null until confirmed' }),
  checksum: checksum.nullable(),
  visibility: z.enum(['private', 'public']),
  metadata: z.record(z.string(), z.string()),
  status: z.enum(['pending', 'confirmed']),
  createdAt: time,
  confirmedAt: time.nullable(),
  publicUrl: url.optional().meta({ description: 'URL that anyone can read; public files only' }),
  warning: z.string().optional().meta({
    description:
      'With `--dev` only: why a production server would reject the file, because its bytes do not match its type',
  }),
}

export const fileRecord = z.strictObject(file).meta({ id: 'File', description: "A file's record" })

export const confirmedFile = z
  .strictObject({ ...file, url: z.string().meta({ example: '/files/…' }) })
  .meta({ id: 'ConfirmedFile' })

export const filePage = z
  .strictObject({
    files: z.array(fileRecord),
    nextCursor: z.string().nullable().meta({ description: 'Send it as `cursor` for the next page; null at the end' }),
  })
  .meta({ id: 'FilePage' })

export const issuedUpload = z
  .strictObject({
    id: z.string(),
    key,
    method: z.enum(['PUT', 'POST']),
    uploadUrl: url,
    headers: headers.meta({ description: 'Send these verbatim with the bytes; never includes content-length' }),
    fields: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: 'For POST: form fields to send before `file`' }),
    expiresIn: seconds,
    expiresAt: time,
    publicUrl: file.publicUrl,
  })
  .meta({ id: 'IssuedUpload' })

const multipart = {
  uploadId,
  partSize: bytes.meta({ description: 'Bytes of each part except the last; other sizes are accepted too' }),
  partCount: z.int().min(0).nullable().meta({ description: 'null if the size is not known' }),
}

export const begunMultipart = z
  .strictObject({ id: z.string(), key, ...multipart, expiresAt: time, publicUrl: file.publicUrl })
  .meta({ id: 'BegunMultipart' })

export const issuedParts = z
  .strictObject({
    parts: z.array(z.strictObject({ partNumber: z.int().min(1), url, headers, expiresIn: seconds, expiresAt: time })),
  })
  .meta({ id: 'IssuedParts' })

export const sentParts = z
  .strictObject({
    id: z.string(),
    key,
    ...multipart,
    expiresAt: time,
    parts: z.array(z.strictObject({ partNumber: z.int().min(1), etag: z.string(), size: bytes })),
  })
  .meta({ id: 'SentParts', description: 'The parts that the store has; resume from this list' })

export const issuedDownload = z
  .strictObject({
    downloadUrl: url,
    headUrl: url.meta({ description: 'URL of the same object for HEAD, because S3 signs the method' }),
    expiresIn: seconds,
    expiresAt: time,
  })
  .meta({ id: 'IssuedDownload' })

const link = {
  id: z.string(),
  expiresAt: time.nullable().meta({ description: 'null: it does not expire' }),
  maxUses: z.int().min(1).nullable().meta({ description: 'null: no limit' }),
  uses: z.int().min(0),
}

export const createdLink = z
  .strictObject({
    ...link,
    url: url.meta({ description: 'Returned only here, because the server keeps a digest of the token' }),
  })
  .meta({ id: 'CreatedLink' })

export const linkList = z
  .strictObject({ links: z.array(z.strictObject({ ...link, createdAt: time })) })
  .meta({ id: 'Links', description: 'Newest first, including used-up and expired links' })

const limit = z.int().min(0).nullable().meta({ description: 'null: unlimited' })

export const usageReport = z
  .strictObject({
    bytes,
    files: z.int().min(0),
    reservedBytes: bytes,
    reservedFiles: z.int().min(0),
    quota: z.strictObject({ bytes: limit, files: limit }),
  })
  .meta({ id: 'Usage' })

export const health = z
  .looseObject({
    status: z.enum(['ok', 'ready']),
    checkedAt: z.iso.datetime().optional().meta({ description: 'When it was last checked (readyz)' }),
    ageSeconds: z.int().min(0).optional().meta({ description: 'Seconds since then (readyz)' }),
  })
  .meta({ id: 'Health' })

/** RFC 9457, with `error` for clients that read only that. */
export const problem = z
  .strictObject({
    type: z.string().meta({ example: 'urn:postern:problem:NotFound' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: 'What happened and what to do' }),
    code: z.enum([...problemCodes, ...plainCodes]),
    requestId: z.string(),
    error: z.string().meta({ description: 'The same as `detail`' }),
    help: z
      .string()
      .optional()
      .meta({ description: 'What to do, and the address of the request in the console. In development mode only' }),
    message: z.string().optional().meta({ description: 'The same as `detail`, below /s3/ only' }),
    details: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  })
  .meta({ id: 'Problem' })
