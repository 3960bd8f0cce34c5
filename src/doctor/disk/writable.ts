import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { failed, ok, reason } from '../check.ts'
import type { DiskCheck } from './disk-subject.ts'

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
        `Other bytes are read from ${folder} than were written.`,
        'Check the disk (smartctl, dmesg) before anything else.',
      )
    } catch (error) {
      return failed(`${folder} cannot be written: ${reason(error)}.`, fixFor(error, folder))
    } finally {
      await rm(file, { force: true }).catch(() => undefined)
    }
  },
}

function fixFor(error: unknown, folder: string): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'The disk or the quota is full: make room.'
  if (code === 'EROFS')
    return 'It is mounted read-only: mount it for writing; after a disk error the system does that by itself (dmesg).'
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return `A file is in the way: move it, or choose another storage.disk.path.`
  return `Let the user that runs the server write there (chown -R postern ${folder}), or choose another storage.disk.path.`
}
