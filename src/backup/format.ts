/**
 * The format of a backup file: a tar of plain files in this order. docs/backup.md describes it for users, and
 * docs/decisions/0008 gives the reasons.
 *
 * 1. `postern-backup.json`: a `Header`
 * 2. `index.sqlite`, `catalog.sqlite`: the databases that exist, as of one point in time
 * 3. `secrets.json`, `keys.json`: unless they were left out
 * 4. `blobs/ab/cd/<id>`: every blob of the index that no earlier backup has
 * 5. `manifest.jsonl`: a `ManifestLine` for every blob of the index, also for those in earlier backups
 * 6. `complete.json`: a `Trailer` of exactly one block. A file without it is truncated.
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
  /** The earlier backup that this one builds on. */
  since: backupId.nullable(),
})
export type Header = z.infer<typeof headerSchema>

export const manifestLineSchema = z.object({
  id: blobId,
  size: bytes,
  /** SHA-256 of the bytes in the archive. Absent if the archive has none. */
  sha256: sha256.optional(),
  /** The id of the backup that contains the bytes. */
  in: backupId,
  /** How the bytes were damaged or missing when the backup was made. */
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

/** One line for each file before the blobs, in order. The trailer has a hash of these lines, because it must fit into one block. */
export const headLine = (name: string, hash: string): string => `${name} ${hash}\n`

/** Small files and their maximum size in bytes. */
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

/** The id, or null if the name is not that of a blob. */
export function idOfBlobName(name: string): string | null {
  const id = name.slice(name.lastIndexOf('/') + 1)
  return isBlobId(id) && blobName(id) === name ? id : null
}

/** The error for a file that is not a valid backup. Nothing of it is kept. */
export const refuse = (message: string): StorageError => new StorageError('InvalidRequest', { message })

export function parseDocument<T extends z.ZodType>(schema: T, text: string, name: string): z.infer<T> {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    const version = /"format":\s*([2-9]|\d\d)/.exec(text)?.[1]
    if (version !== undefined)
      throw refuse(`The backup has format ${version}. Restore it with a newer version of Postern.`)
    throw new StorageError('InvalidRequest', { message: `The backup is damaged: ${name} is not valid.`, cause })
  }
}
