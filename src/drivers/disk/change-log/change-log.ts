/**
 * The log of a store. Every change of the index is written to it as a frame first. Must be called inside a write
 * transaction of the index: SQLite's write lock orders the log across processes, so all of them share one log.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { StorageError } from '../../../errors.ts'
import { syncFolderNow } from '../directory-sync.ts'
import { errorCode, type LogCalls } from '../file-calls.ts'
import { UnknownOutcome, UnusableStore } from '../store-error.ts'
import type { WriteGuard } from '../write-guard.ts'
import { encodeBatch } from './frame.ts'
import { encodePackHeader, newSalt, packHeaderSize, packPath, packSize, readPack, type PackHeader } from './pack.ts'
import type { Position } from './position.ts'
import { FileWindow, framesAfter, type Frame } from './read-frames.ts'
import { decodeStates, type State } from './states.ts'
import { BlobLayout } from '../blob-layout.ts'

export type ChangeLogOptions = {
  root: string
  calls: LogCalls
  guard: WriteGuard
  /** If false, acknowledged changes can be lost in a power cut. */
  fsync: boolean
  /** Returns a name in `tmp/` that no sweep deletes while this process runs. */
  temporaryName?: () => string
  /** For tests: bytes after which a new pack starts. */
  packSize?: number
}

type OpenPack = { fd: number; number: number; epoch: number; size: () => { size: number; nlink: number } }

export class ChangeLog {
  readonly #o: ChangeLogOptions
  #open: OpenPack | null = null
  /** The pack whose sync found no space. Bytes behind the position may reappear, so nothing is appended to it. */
  #avoid: number | null = null

  constructor(o: ChangeLogOptions) {
    this.#o = o
  }

  /**
   * Applies frames that were synced by a process that ended before it committed them to the index. After such a frame
   * or a torn tail, starts a new pack. Errors: Unavailable if index and log do not match.
   */
  catchUp(position: Position, apply: (states: State[]) => void): Position {
    const pack = this.#use(position)
    const { size } = this.#look(pack)
    if (size < position.offset) throw this.#doesNotFit(position, `its pack ends at byte ${size}`)
    const mayAppend =
      size === position.offset && this.#o.calls.statSync(packPath(this.#o.root, position.pack + 1)) === undefined
    if (mayAppend && this.#avoid !== position.pack) return position
    return this.#replay(position, apply)
  }

  /** Appends the frames of one commit and syncs them. That is the commit point. */
  append(at: Position, metas: readonly Buffer[], time: number): Position {
    const { calls, guard, fsync } = this.#o
    const position = at.offset >= (this.#o.packSize ?? packSize) ? this.#begin(at, {}) : at
    const { fd } = this.#use(position)
    const { bytes, end, lastFrame } = encodeBatch(metas, position, time)
    try {
      for (let done = 0; done < bytes.length;) {
        done += calls.writeSync(fd, bytes, done, bytes.length - done, position.offset + done)
      }
    } catch (cause) {
      this.#undo(fd, position, cause)
      throw cause
    }
    try {
      if (fsync) calls.fdatasyncSync(fd)
    } catch (cause) {
      if (!isFull(cause)) throw this.#unknown(guard, cause)
      this.#avoid = position.pack
      this.#undo(fd, position, cause)
      throw cause
    }
    return { ...position, ...end, frame: lastFrame }
  }

  /** Creates the first pack of a log. */
  create(o: { store: string; epoch: number; number: number }): Position {
    return this.#write({ ...o, salt: newSalt(), previous: null }, { sequence: 0, firstPack: o.number })
  }

  /** Ends this pack and starts the next one, in `epoch` if given. */
  begin(position: Position, o: { epoch?: number }): Position {
    return this.#begin(position, o)
  }

  close(): void {
    if (this.#open) this.#o.calls.closeSync(this.#open.fd)
    this.#open = null
  }

  #begin(position: Position, { epoch = position.epoch }: { epoch?: number }): Position {
    const { store, pack, offset, sequence, crc, firstPack, unlogged } = position
    const previous = { number: pack, end: offset, sequence, crc }
    const begun = this.#write({ store, epoch, number: pack + 1, salt: newSalt(), previous }, { sequence, firstPack })
    this.#avoid = null
    return { ...begun, unlogged }
  }

  #replay(from: Position, apply: (states: State[]) => void): Position {
    const { calls, fsync } = this.#o
    let position = from
    for (;;) {
      const { fd } = this.#use(position)
      const next = this.#following(position)
      const end = next?.previous?.end ?? calls.fstatSync(fd).size
      for (const frame of framesAfter(new FileWindow(calls, fd, end), position, end)) {
        apply(decodeStates(frame.meta))
        position = after(position, frame)
      }
      if (!next) break
      const { previous } = next
      if (previous?.sequence !== position.sequence || previous.crc !== position.crc) {
        throw this.#doesNotFit(
          position,
          `the frames up to ${previous?.sequence} cannot be read: bytes of the log were changed`,
        )
      }
      position = { ...position, pack: next.number, offset: packHeaderSize, frame: 0, crc: next.salt }
    }
    const { fd } = this.#use(position)
    const isFresh = position.offset === packHeaderSize && calls.fstatSync(fd).size === packHeaderSize
    if (isFresh && this.#avoid !== position.pack) return position
    // Replayed frames may be only in the operating system's cache.
    if (fsync) this.#synced(() => calls.fdatasyncSync(fd))
    return this.#begin(position, {})
  }

  /** null if this is the last pack. */
  #following({ pack, epoch, store }: Position): PackHeader | null {
    const { root, calls } = this.#o
    if (calls.statSync(packPath(root, pack + 1)) === undefined) return null
    const { header } = readPack(root, pack + 1, calls)
    if (header.store === store && header.epoch === epoch && header.previous?.number === pack) return header
    throw refusal(
      `The object index follows pack ${pack} of epoch ${epoch}, and the log continues in epoch ${header.epoch}. This index is ` +
        'older than a rebuild.',
      'postern rebuild-index',
    )
  }

  #use(position: Position): OpenPack {
    const { root, calls } = this.#o
    if (this.#open?.number === position.pack && this.#open.epoch === position.epoch) return this.#open
    this.close()
    const { header } = readPack(root, position.pack, calls)
    if (header.store !== position.store || header.epoch !== position.epoch) {
      throw this.#doesNotFit(position, `the pack is of store ${header.store}, epoch ${header.epoch}`)
    }
    const fd = calls.openSync(packPath(root, position.pack), 'r+')
    this.#open = { fd, number: position.pack, epoch: position.epoch, size: () => calls.fstatSync(fd) }
    return this.#open
  }

  #look(pack: OpenPack): { size: number } {
    const { size, nlink } = pack.size()
    if (nlink > 0) return { size }
    const cause = new Error('the current pack of the log was deleted')
    this.#o.guard.trip(cause)
    throw new StorageError('Unavailable', {
      message: 'The log of the store was deleted. Restore the folder objects/log.',
      cause,
    })
  }

  /** Writes the header to a temporary file and renames it, so a named pack always has a whole header. */
  #write(header: PackHeader, { sequence, firstPack }: { sequence: number; firstPack: number }): Position {
    const { root, calls, fsync } = this.#o
    const temp = join(new BlobLayout(root).temp, this.#o.temporaryName?.() ?? randomBytes(16).toString('hex'))
    const fd = calls.openSync(temp, 'wx', 0o600)
    try {
      const bytes = encodePackHeader(header)
      for (let done = 0; done < bytes.length;) done += calls.writeSync(fd, bytes, done, bytes.length - done, done)
      if (fsync) this.#synced(() => calls.fsyncSync(fd))
    } catch (cause) {
      calls.closeSync(fd)
      removeQuietly(calls, temp)
      throw cause
    }
    calls.closeSync(fd)
    calls.renameSync(temp, packPath(root, header.number))
    if (fsync) this.#synced(() => syncFolderNow(new BlobLayout(root).log, calls))
    const { store, epoch, number, salt } = header
    return {
      store,
      epoch,
      pack: number,
      offset: packHeaderSize,
      frame: 0,
      sequence,
      crc: salt,
      firstPack,
      unlogged: null,
    }
  }

  /** The change that failed was not acknowledged, but a disk that cannot sync accepts no more writes. */
  #synced(sync: () => void): void {
    try {
      sync()
    } catch (cause) {
      throw this.#o.guard.syncFailed(cause)
    }
  }

  /**
   * Removes the frames of a failed batch before its error is returned. Its blobs are deleted, and a replay would
   * restore rows that refer to them.
   */
  #undo(fd: number, { offset }: Position, reason: unknown): void {
    const { calls, guard, fsync } = this.#o
    try {
      calls.ftruncateSync(fd, offset)
      if (fsync) calls.fdatasyncSync(fd)
    } catch (cause) {
      throw this.#unknown(
        guard,
        new AggregateError([reason, cause], 'a failed change could not be removed from the log'),
      )
    }
  }

  #unknown(guard: WriteGuard, cause: unknown): UnknownOutcome {
    guard.trip(cause)
    return new UnknownOutcome(cause)
  }

  #doesNotFit({ pack, offset, sequence }: Position, why: string): StorageError {
    return refusal(
      `The object index follows the log up to frame ${sequence} (pack ${pack}, byte ${offset}), and ${why}.`,
      'postern rebuild-log if the index is right, postern rebuild-index if the log is',
    )
  }
}

export const refusal = (found: string, commands: string): StorageError =>
  new UnusableStore(
    `${found} The store is not opened, and nothing was deleted. Stop every server of this folder, then choose: ${commands}, or restore a backup.`,
  )

const after = (position: Position, { header, offset, end }: Frame): Position => ({
  ...position,
  offset: end,
  frame: offset,
  sequence: header.sequence,
  crc: header.crc,
})

const isFull = (cause: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errorCode(cause) ?? '')

function removeQuietly(calls: LogCalls, path: string): void {
  try {
    calls.unlinkSync(path)
  } catch {
    // The sweep deletes it.
  }
}
