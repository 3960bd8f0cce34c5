import { StorageError } from '../errors.ts'

const maxEntries = 50
const maxBytes = 2048
/** Names the gateway keeps for itself. */
const internal = /^x-internal-/i

/** A flat map as the client may keep it with a file. Internal names are dropped. Errors: MetadataTooLarge, InvalidArgument. */
export function parseMetadata(given: Record<string, string>): Record<string, string> {
  const entries = Object.entries(given).filter(([name]) => !internal.test(name))
  if (entries.length > maxEntries) {
    throw new StorageError('MetadataTooLarge', { message: `metadata has more than ${maxEntries} entries.` })
  }
  const bad = entries.find(([name, value]) => !/^[\w.-]{1,128}$/.test(name) || !value.isWellFormed())
  if (bad) {
    throw new StorageError('InvalidArgument', {
      message: 'metadata takes names of 1 to 128 letters, digits, _ . and -, and well-formed text as values.',
    })
  }
  const bytes = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0)
  if (bytes > maxBytes) {
    throw new StorageError('MetadataTooLarge', {
      message: `metadata takes ${bytes} bytes, names and values together; ${maxBytes} are allowed.`,
    })
  }
  return Object.fromEntries(entries)
}
