import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { remedyFor } from '../../cannot-open.ts'
import { userName } from '../../user-name.ts'
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
