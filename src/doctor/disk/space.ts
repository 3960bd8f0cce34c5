import { statfs } from 'node:fs/promises'
import { failed, ok } from '../check.ts'
import type { DiskCheck } from './disk-subject.ts'

export const space: DiskCheck = {
  name: 'space',
  needs: ['writable'],
  async run({ folder, minFree }) {
    const { bavail, bsize, files, ffree } = await statfs(folder)
    const free = bavail * bsize
    if (free < minFree) {
      return failed(
        `${inGiB(free)} are free; below ${inGiB(minFree)} (storage.disk.minFree) uploads are refused.`,
        'Make room, or move storage.disk.path to a larger disk; lower storage.disk.minFree only if nothing else writes there.',
      )
    }
    if (files > 0 && ffree < 1000) {
      return failed(
        `Only ${ffree} more files fit on the file system.`,
        'Remove files, or make the file system with more inodes.',
      )
    }
    return ok(`${inGiB(free)} are free.`)
  },
}

const inGiB = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
