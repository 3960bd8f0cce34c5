/**
 * Packs: the files of the log, `objects/log/<number>.pack`. A pack starts with a header of 4096 bytes, with the store
 * it belongs to and the end of the previous pack. A pack gets its name only after its header is on disk.
 */
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { join } from 'node:path'
import type { StorageError } from '../../../errors.ts'
import { errorCode, type LogCalls } from '../file-calls.ts'
import { BlobLayout } from '../blob-layout.ts'
import { UnusableStore } from '../store-error.ts'

export const packHeaderSize = 4096
/** Bytes after which the next batch starts a new pack. */
export const packSize = 256 * 1024 * 1024

const magic = 'PSTPACK\n'
const version = 1

export type PackHeader = {
  /** The store's id, 32 hexadecimal digits. */
  store: string
  /** Grows with each rebuild of log or index. Positions of an earlier epoch are invalid. */
  epoch: number
  number: number
  /** The CRC that the first frame contains as its predecessor's. */
  salt: number
  /** The end of the previous pack. null for the first pack of a log. */
  previous: { number: number; end: number; sequence: number; crc: number } | null
}

export type Pack = { path: string; size: number; header: PackHeader }

export const packName = (number: number): string => `${String(number).padStart(10, '0')}.pack`
export const packPath = (root: string, number: number): string => join(new BlobLayout(root).log, packName(number))

const packNamePattern = /^(\d{10,})\.pack$/

export const newStoreId = (): string => randomBytes(16).toString('hex')
export const newSalt = (): number => randomBytes(4).readUInt32LE()

export function encodePackHeader({ store, epoch, number, salt, previous }: PackHeader): Buffer {
  const bytes = Buffer.alloc(packHeaderSize)
  bytes.write(magic, 0, 'latin1')
  bytes.writeUInt32LE(version, 8)
  Buffer.from(store, 'hex').copy(bytes, 16)
  bytes.writeBigUInt64LE(BigInt(epoch), 32)
  bytes.writeBigUInt64LE(BigInt(number), 40)
  bytes.writeUInt32LE(salt, 48)
  if (previous) {
    bytes.writeBigUInt64LE(BigInt(previous.number), 56)
    bytes.writeBigUInt64LE(BigInt(previous.end), 64)
    bytes.writeBigUInt64LE(BigInt(previous.sequence), 72)
    bytes.writeUInt32LE(previous.crc, 80)
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(0, packHeaderSize - 4)), packHeaderSize - 4)
  return bytes
}

/** null if the bytes are not a pack header of this version. */
export function decodePackHeader(bytes: Buffer): PackHeader | null {
  if (bytes.length !== packHeaderSize || bytes.toString('latin1', 0, 8) !== magic) return null
  if (bytes.readUInt32LE(8) !== version) return null
  if (crc32(bytes.subarray(0, packHeaderSize - 4)) !== bytes.readUInt32LE(packHeaderSize - 4)) return null
  const big = (at: number): number => Number(bytes.readBigUInt64LE(at))
  return {
    store: bytes.toString('hex', 16, 32),
    epoch: big(32),
    number: big(40),
    salt: bytes.readUInt32LE(48),
    previous: big(56) === 0 ? null : { number: big(56), end: big(64), sequence: big(72), crc: bytes.readUInt32LE(80) },
  }
}

/**
 * All packs, in order. Errors: Unavailable for a pack with an unreadable header, for an unknown file, and for a gap
 * between packs. An unreadable log is never ignored.
 */
export function listPacks(root: string, calls: LogCalls): Pack[] {
  const packs = packNumbers(root, calls).map((number) => readPack(root, number, calls))
  packs.forEach(({ header, path }, i) => {
    const before = packs[i - 1]
    if (before === undefined || header.previous?.number === before.header.number) return
    throw unreadable(path, `the pack before it (${packName(header.number - 1)}) is missing`)
  })
  return packs
}

export function packNumbers(root: string, calls: LogCalls): number[] {
  const folder = new BlobLayout(root).log
  let names: string[]
  try {
    names = calls.readdirSync(folder)
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return []
    throw cause
  }
  return names
    .map((name) => {
      const number = packNamePattern.exec(name)?.[1]
      if (number !== undefined) return Number(number)
      throw unreadable(join(folder, name), 'it does not belong to the log')
    })
    .toSorted((a, b) => a - b)
}

export function readPack(root: string, number: number, calls: LogCalls): Pack {
  const path = packPath(root, number)
  const fd = calls.openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(packHeaderSize)
    let filled = 0
    while (filled < packHeaderSize) {
      const read = calls.readSync(fd, bytes, filled, packHeaderSize - filled, filled)
      if (read === 0) break
      filled += read
    }
    const header = filled === packHeaderSize ? decodePackHeader(bytes) : null
    if (header?.number !== number) throw unreadable(path, 'its header is damaged or of another version')
    return { path, size: calls.fstatSync(fd).size, header }
  } finally {
    calls.closeSync(fd)
  }
}

const unreadable = (path: string, why: string): StorageError =>
  new UnusableStore(
    `${path} cannot be used: ${why}. The store is not opened, to prevent data loss. Restore this file from a copy, or ` +
      'move it out of the store and run postern rebuild-log if the index is intact, postern rebuild-index if it is not.',
  )
