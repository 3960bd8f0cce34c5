import { randomBytes } from 'node:crypto'
import { open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { failed, ok, reason, unknown } from '../check.ts'
import type { DiskCheck } from './disk-subject.ts'

/** Linux's f_type. */
const inMemory = new Set([0x01021994, 0x858458f6])
const remote = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x65735546, 'FUSE'],
])
const rounds = 9
/** Milliseconds. No disk, nor the path to one with a cache of its own, takes a write and a flush in less. */
const fastest = 0.015

/** Whether an answered write survives a power cut, as far as that can be seen without one. */
export const fsync: DiskCheck = {
  name: 'fsync',
  needs: ['writable'],
  async run({ folder, fsync: setting }) {
    if (setting === 'none') {
      return failed(
        'storage.disk.fsync is none: what was answered may be lost at a power cut.',
        'Set storage.disk.fsync: full, unless the data can be made again.',
      )
    }
    const { type } = await statfs(folder)
    if (process.platform === 'linux' && inMemory.has(type)) {
      return failed(`${folder} lies in memory: nothing there survives a restart.`, 'Put storage.disk.path on a disk.')
    }
    let median: number
    try {
      median = await medianSync(join(folder, 'tmp', `doctor-${randomBytes(8).toString('hex')}`))
    } catch (error) {
      return failed(
        `Syncing a file fails: ${reason(error)}.`,
        'Check the disk and its file system (dmesg); on a network mount, use a local one.',
      )
    }
    const network = process.platform === 'linux' ? remote.get(type) : undefined
    if (network) {
      return unknown(
        `${folder} lies on ${network}: whether it keeps what is synced, and SQLite's locks, is its server's business.`,
        'A local disk is the safe place; else let one instance alone use it.',
      )
    }
    const took = `${median.toFixed(median < 1 ? 3 : 1)} ms`
    if (median >= fastest) return ok(`A write is synced in ${took}.`)
    return unknown(
      `A write is synced in ${took}, faster than a disk can: something (eatmydata, a virtual disk with cache=unsafe) may only say so.`,
      'Look at how the disk is attached.',
    )
  },
}

async function medianSync(file: string): Promise<number> {
  const handle = await open(file, 'wx', 0o600)
  const times: number[] = []
  try {
    for (let i = 0; i < rounds; i++) {
      await handle.write(Buffer.alloc(4096, i))
      const begun = performance.now()
      await handle.sync()
      times.push(performance.now() - begun)
    }
  } finally {
    await handle.close()
    await rm(file, { force: true })
  }
  return times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!
}
