/**
 * All system calls of this driver, so that a test can make any of them fail.
 *
 * Calls that only use the system's tables and caches are synchronous, because a thread costs several times as much as
 * the call. Calls that may wait for the disk run in a thread: syncs, reads that are probably not cached, new files
 * (which can wait for the journal), large writes (which the system delays if it has too much unwritten data), and
 * deletions, which free space.
 */
import fs from 'node:fs'
import os from 'node:os'
import { promisify } from 'node:util'

/** Bytes up to which a write is copied to the system's cache synchronously. */
const smallWrite = 256 * 1024

type Soon<T> = T | Promise<T>

const openNew = promisify(fs.open) as (path: string, flags: number | string, mode: number) => Promise<number>

const writevBehind = promisify(fs.writev) as (
  fd: number,
  buffers: readonly Uint8Array[],
  position: number,
) => Promise<{ bytesWritten: number }>

export const fileCalls = {
  open: (path: string, flags: number | string, mode?: number): Soon<number> =>
    mode === undefined ? fs.openSync(path, flags) : openNew(path, flags, mode),
  close: (fd: number): Soon<void> => fs.closeSync(fd),
  fstat: (fd: number): Soon<fs.Stats> => fs.fstatSync(fd),
  lstat: promisify(fs.lstat) as (path: string) => Promise<fs.Stats>,
  read: promisify(fs.read) as (
    fd: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ) => Promise<{ bytesRead: number }>,
  /** For bytes in the system's cache. */
  readCached: (fd: number, buffer: Uint8Array, offset: number, length: number, position: number) => ({
    bytesRead: fs.readSync(fd, buffer, offset, length, position),
  }),
  writev: (fd: number, buffers: readonly Uint8Array[], position: number): Soon<{ bytesWritten: number }> =>
    buffers.reduce((bytes, { length }) => bytes + length, 0) <= smallWrite
      ? { bytesWritten: fs.writevSync(fd, buffers, position) }
      : writevBehind(fd, buffers, position),
  fsync: promisify(fs.fsync) as (fd: number) => Promise<void>,
  fdatasync: promisify(fs.fdatasync) as (fd: number) => Promise<void>,
  rename: (from: string, to: string): Soon<void> => fs.renameSync(from, to),
  unlink: promisify(fs.unlink) as (path: string) => Promise<void>,
  mkdir: promisify(fs.mkdir) as (path: string, mode?: number) => Promise<void>,
  rmdir: promisify(fs.rmdir) as (path: string) => Promise<void>,
  readdir: ((path) => promisify(fs.readdir)(path, { withFileTypes: true })) as (path: string) => Promise<fs.Dirent[]>,
  statfs: promisify(fs.statfs) as (path: string) => Promise<{ bavail: number; bsize: number }>,
  // For the log, because nothing may be awaited between the start of an index transaction and its commit.
  openSync: fs.openSync as (path: string, flags: string, mode?: number) => number,
  closeSync: fs.closeSync,
  readSync: fs.readSync as (fd: number, buffer: Uint8Array, offset: number, length: number, position: number) => number,
  writeSync: fs.writeSync as (
    fd: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ) => number,
  fstatSync: fs.fstatSync as (fd: number) => fs.Stats,
  fsyncSync: fs.fsyncSync,
  fdatasyncSync: fs.fdatasyncSync,
  ftruncateSync: fs.ftruncateSync as (fd: number, length: number) => void,
  renameSync: fs.renameSync as (from: string, to: string) => void,
  unlinkSync: fs.unlinkSync as (path: string) => void,
  readdirSync: fs.readdirSync as (path: string) => string[],
  /** undefined if the file does not exist. Other errors are thrown. */
  statSync: ((path) => fs.statSync(path, { throwIfNoEntry: false })) as (path: string) => fs.Stats | undefined,
}

export type FileCalls = typeof fileCalls
export type LogCalls = Pick<
  FileCalls,
  | 'openSync'
  | 'closeSync'
  | 'readSync'
  | 'writeSync'
  | 'fstatSync'
  | 'fsyncSync'
  | 'fdatasyncSync'
  | 'ftruncateSync'
  | 'renameSync'
  | 'unlinkSync'
  | 'readdirSync'
  | 'statSync'
>

/** Node reports this error without a name, as `Unknown system error -122`. */
const quotaExceeded = -os.constants.errno.EDQUOT

export function errorCode(e: unknown): string | undefined {
  if (!(e instanceof Error)) return undefined
  if ('errno' in e && e.errno === quotaExceeded) return 'EDQUOT'
  return 'code' in e && typeof e.code === 'string' ? e.code : undefined
}
