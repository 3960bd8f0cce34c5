/**
 * What a backup file holds: a tar of plain files, in this order. docs/backup.md describes it for people, and
 * docs/decisions/0008 why it is so.
 *
 * 1. `postern-backup.json`: a `Header`
 * 2. `index.sqlite`, `catalog.sqlite`: the two databases of one moment, those that there are
 * 3. `secrets.json`, `keys.json`: unless they were left out
 * 4. `blobs/ab/cd/<id>`: every blob of the index that no earlier backup has
 * 5. `manifest.jsonl`: a `ManifestLine` for every blob of the index, wherever it lies
 * 6. `complete.json`: a `Trailer` of exactly one block. A file without it was cut off.
 */
import { z } from 'zod'
import { isBlobId, relativeBlobPath } from '../drivers/disk/blob-layout.ts'
import { StorageError } from '../errors.ts'

export const blockSize = 512

const backupId = z.string().regex(/^[0-9a-f]{32}$/)
const blobId = z.string().regex(/^[0-9a-f]{32}$/)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const bytes = z.int().min(0)

export const headerSchema = z.object({
  format: z.literal(1),
  id: backupId,
  createdAt: z.iso.datetime(),
  driver: z.string().regex(/^[a-z0-9-]{1,64}$/),
  /** The gateway's bucket. */
  bucket: z.string(),
  /** The backup whose blobs are not repeated. */
  since: backupId.nullable(),
})
export type Header = z.infer<typeof headerSchema>

export const manifestLineSchema = z.object({
  id: blobId,
  size: bytes,
  /** Of the bytes as they lie in the archive; absent where there are none. */
  sha256: sha256.optional(),
  /** The backup that holds the bytes. */
  in: backupId,
  /** The bytes were damaged or missing when they were to be copied. */
  damaged: z.string().max(100).optional(),
})
export type ManifestLine = z.infer<typeof manifestLineSchema>

export const trailerSchema = z.object({
  id: backupId,
  manifest: z.object({ offset: bytes, size: bytes, sha256 }),
  /** SHA-256 of the `headLine`s of all files before the blobs. */
  head: sha256,
})
export type Trailer = z.infer<typeof trailerSchema>

/** A line for each of the files before the blobs, in their order: they are too many for the hashes to fit into a block. */
export const headLine = (name: string, hash: string): string => `${name} ${hash}\n`

/** Small files, and the most bytes that each may have. */
export const documents = {
  'postern-backup.json': 64 * 1024,
  'secrets.json': 1024 * 1024,
  'keys.json': 16 * 1024 * 1024,
  'complete.json': blockSize,
} as const
export type DocumentName = keyof typeof documents

export const databases = ['index.sqlite', 'catalog.sqlite'] as const
export type DatabaseName = (typeof databases)[number]

export const blobName = (id: string): string => `blobs/${relativeBlobPath(id)}`

/** The id, or null for a name that is no blob's. */
export function idOfBlobName(name: string): string | null {
  const id = name.slice(name.lastIndexOf('/') + 1)
  return isBlobId(id) && blobName(id) === name ? id : null
}

/** What cannot be trusted to be a backup of ours; nothing of it is kept. */
export const refuse = (message: string): StorageError => new StorageError('InvalidRequest', { message })

export function parseDocument<T extends z.ZodType>(schema: T, text: string, name: string): z.infer<T> {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    const version = /"format":\s*([2-9]|\d\d)/.exec(text)?.[1]
    if (version !== undefined) throw refuse(`The backup has format ${version}: it needs a newer version of Postern.`)
    throw new StorageError('InvalidRequest', { message: `The backup is damaged: ${name} cannot be read.`, cause })
  }
}
