/** The system calls of this driver in one place, so that a test can make any of them fail. */
import fs from 'node:fs'
import { promisify } from 'node:util'

export const fileCalls = {
  open: promisify(fs.open) as (path: string, flags: number | string, mode?: number) => Promise<number>,
  close: promisify(fs.close) as (fd: number) => Promise<void>,
  fstat: promisify(fs.fstat) as (fd: number) => Promise<fs.Stats>,
  lstat: promisify(fs.lstat) as (path: string) => Promise<fs.Stats>,
  read: promisify(fs.read) as (
    fd: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ) => Promise<{ bytesRead: number }>,
  writev: promisify(fs.writev) as (
    fd: number,
    buffers: readonly Uint8Array[],
    position: number,
  ) => Promise<{ bytesWritten: number }>,
  fsync: promisify(fs.fsync) as (fd: number) => Promise<void>,
  fdatasync: promisify(fs.fdatasync) as (fd: number) => Promise<void>,
  rename: promisify(fs.rename) as (from: string, to: string) => Promise<void>,
  unlink: promisify(fs.unlink) as (path: string) => Promise<void>,
  mkdir: promisify(fs.mkdir) as (path: string) => Promise<void>,
  readdir: ((path) => promisify(fs.readdir)(path, { withFileTypes: true })) as (path: string) => Promise<fs.Dirent[]>,
  statfs: promisify(fs.statfs) as (path: string) => Promise<{ bavail: number; bsize: number }>,
}

export type FileCalls = typeof fileCalls

export const errorCode = (e: unknown): string | undefined =>
  e instanceof Error && 'code' in e && typeof e.code === 'string' ? e.code : undefined
