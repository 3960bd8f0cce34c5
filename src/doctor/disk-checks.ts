import { catalog, objectIndex, type DiskCheck } from './database-check.ts'
import { failed, ok, reason, unknown } from './check.ts'
import { lstat, mkdir, open, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises'
import { remedyFor } from '../cannot-open.ts'
import { userName } from '../user-name.ts'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

/** A rename between two mounts is a copy, which is not atomic. */
export const mount: DiskCheck = {
  name: 'mount',
  needs: ['writable'],
  async run({ folder, holdsObjects }) {
    if (!holdsObjects) return ok('The folder holds no objects.')
    const [temp, objects] = [join(folder, 'tmp'), join(folder, 'objects')]
    for (const path of [temp, objects]) {
      await mkdir(path, { recursive: true })
      if ((await lstat(path)).isSymbolicLink()) {
        return failed(`${path} is a symbolic link.`, `Move its target to ${path}, or make ${folder} the link.`)
      }
    }
    const fix = `Mount one file system for all of ${folder}, with tmp and objects.`
    const [a, b] = await Promise.all([lstat(temp), lstat(objects)])
    if (a.dev !== b.dev) return failed(`${temp} and ${objects} are on different mounts.`, fix)
    const name = `doctor-${randomBytes(8).toString('hex')}`
    const [from, to] = [join(temp, name), join(objects, name)]
    try {
      await writeFile(from, '')
      await rename(from, to)
      return ok('Temporary files and blobs are on one mount.')
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      return failed(
        `A file cannot be renamed from ${temp} to ${objects} by ${userName()}: ${reason(error)}.`,
        code === 'EXDEV' ? fix : remedyFor(objects, error),
      )
    } finally {
      await Promise.all([from, to].map((path) => rm(path, { force: true })))
    }
  },
}

export const space: DiskCheck = {
  name: 'space',
  needs: ['writable'],
  async run({ folder, minFree }) {
    const { bavail, bsize, files, ffree } = await statfs(folder)
    const free = bavail * bsize
    if (free < minFree) {
      return failed(
        `Only ${inGiB(free)} are free. Below ${inGiB(minFree)} (storage.disk.minFree), uploads are refused.`,
        'Free some space, or move storage.disk.path to a larger disk. Lower storage.disk.minFree only if nothing else writes there.',
      )
    }
    if (files > 0 && ffree < 1000) {
      return failed(
        `Only ${ffree} more files fit on the file system.`,
        'Delete files, or create the file system with more inodes.',
      )
    }
    return ok(`${inGiB(free)} are free.`)
  },
}

const inGiB = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`

export const writable: DiskCheck = {
  name: 'writable',
  async run({ folder }) {
    const bytes = randomBytes(64 * 1024)
    const file = join(folder, 'tmp', `doctor-${randomBytes(8).toString('hex')}`)
    try {
      await mkdir(join(folder, 'tmp'), { recursive: true })
      const handle = await open(file, 'wx', 0o600)
      try {
        await handle.writeFile(bytes)
      } finally {
        await handle.close()
      }
      if ((await readFile(file)).equals(bytes)) return ok(`${folder} can be written.`)
      return failed(
        `The bytes that were read from ${folder} differ from those that were written.`,
        'Check the disk first (smartctl, dmesg).',
      )
    } catch (error) {
      return failed(
        `${folder} cannot be written by ${userName()}: ${reason(error)}.`,
        remedyFor(pathOf(error) ?? folder, error, { or: 'choose another storage.disk.path' }),
      )
    } finally {
      await rm(file, { force: true }).catch(() => undefined)
    }
  },
}

const pathOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).path

/** Values of f_type on Linux. Source: statfs(2). */
const inMemory = new Set([0x01021994, 0x858458f6])
const remote = new Map([
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x65735546, 'FUSE'],
])
const rounds = 9
/** Milliseconds. No disk syncs a write faster, even with a write cache in its controller. */
const fastest = 0.015

/** Checks that an acknowledged write survives a power cut, as far as a program can find out. */
export const fsync: DiskCheck = {
  name: 'fsync',
  needs: ['writable'],
  async run({ folder, fsync: setting }) {
    if (setting === 'none') {
      return failed(
        'storage.disk.fsync is none, so a power cut may lose acknowledged uploads.',
        'Set storage.disk.fsync: full, unless you can afford to lose the data.',
      )
    }
    const { type } = await statfs(folder)
    if (process.platform === 'linux' && inMemory.has(type)) {
      return failed(`${folder} is in memory, so nothing there survives a restart.`, 'Put storage.disk.path on a disk.')
    }
    let median: number
    try {
      median = await medianSync(join(folder, 'tmp', `doctor-${randomBytes(8).toString('hex')}`))
    } catch (error) {
      return failed(
        `Syncing a file fails: ${reason(error)}.`,
        'Check the disk and its file system (dmesg). Use a local disk instead of a network mount.',
      )
    }
    const network = process.platform === 'linux' ? remote.get(type) : undefined
    if (network) {
      return unknown(
        `${folder} is on ${network}. Synced data and SQLite's locks are only as reliable as its server.`,
        'Use a local disk, or let only one instance use the folder.',
      )
    }
    const took = `${median.toFixed(median < 1 ? 3 : 1)} ms`
    if (median >= fastest) return ok(`A write is synced in ${took}.`)
    return unknown(
      `A write is synced in ${took}, faster than a disk can. The sync may do nothing, for example with eatmydata or a virtual disk with cache=unsafe.`,
      'Check how the disk is attached.',
    )
  },
}

async function medianSync(file: string): Promise<number> {
  const handle = await open(file, 'wx', 0o600)
  const times: number[] = []
  try {
    for (let i = 0; i < rounds; i++) {
      await handle.write(Buffer.alloc(4096, i))
      const start = performance.now()
      await handle.sync()
      times.push(performance.now() - start)
    }
  } finally {
    await handle.close()
    await rm(file, { force: true })
  }
  return times.toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!
}

export const diskChecks: readonly DiskCheck[] = [writable, mount, space, fsync, objectIndex, catalog]
