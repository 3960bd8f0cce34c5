import { StorageError } from '../../errors.ts'

const maxLength = 255
/** Embeddings, overrides and isolates make `….gpj.exe` look like `….exe.jpg`. Right-to-left text does not need them. */
const bidiControls = /[\u202a-\u202e\u2066-\u2069]/g

/**
 * The name under which a file is shown and downloaded. It is the last segment of `given`, without the sender's local
 * path. Errors: InvalidArgument.
 */
export function parseFilename(given: string): string {
  const last = given.slice(Math.max(given.lastIndexOf('/'), given.lastIndexOf('\\')) + 1)
  const name = last.replace(bidiControls, '').trim()
  const bad = problemOf(name)
  if (bad === null) return name
  throw new StorageError('InvalidArgument', { message: `filename ${bad}.` })
}

function problemOf(name: string): string | null {
  if (name === '' || name === '.' || name === '..') return 'is empty. Send a name such as "photo.jpg"'
  if (name.length > maxLength) return `is longer than ${maxLength} characters. Shorten it`
  if (/\p{Cc}/u.test(name)) return 'contains control characters. Remove them'
  return name.isWellFormed() ? null : 'is not well-formed Unicode. Send whole characters'
}

const maxEntries = 50
const maxBytes = 2048
/** Names reserved for the gateway. */
const internal = /^x-internal-/i

/** Validates a file's metadata, a flat map. Drops internal names. Errors: MetadataTooLarge, InvalidArgument. */
export function parseMetadata(given: Record<string, string>): Record<string, string> {
  const entries = Object.entries(given).filter(([name]) => !internal.test(name))
  if (entries.length > maxEntries) {
    throw new StorageError('MetadataTooLarge', { message: `metadata has more than ${maxEntries} entries. Send fewer.` })
  }
  const bad = entries.find(([name, value]) => !/^[\w.-]{1,128}$/.test(name) || !value.isWellFormed())
  if (bad) {
    throw new StorageError('InvalidArgument', {
      message:
        'metadata is not valid. Names must have 1 to 128 letters, digits, "_", "." or "-", and values must be well-formed text.',
    })
  }
  const bytes = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0)
  if (bytes > maxBytes) {
    throw new StorageError('MetadataTooLarge', {
      message: `metadata has ${bytes} bytes of names and values, over the limit of ${maxBytes}. Send less.`,
    })
  }
  return Object.fromEntries(entries)
}
