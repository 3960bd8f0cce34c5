import { randomBytes } from 'node:crypto'
import { lstat, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { remedyFor } from '../../cannot-open.ts'
import { userName } from '../../user-name.ts'
import { failed, ok, reason } from '../check.ts'
import type { DiskCheck } from './disk-subject.ts'

/** A rename between two mounts is a copy, and no longer all or nothing. */
export const mount: DiskCheck = {
  name: 'mount',
  needs: ['writable'],
  async run({ folder, holdsObjects }) {
    if (!holdsObjects) return ok('No objects lie there.')
    const [temp, objects] = [join(folder, 'tmp'), join(folder, 'objects')]
    for (const path of [temp, objects]) {
      await mkdir(path, { recursive: true })
      if ((await lstat(path)).isSymbolicLink()) {
        return failed(
          `${path} is a link.`,
          `Move what it points to to ${path}, or link the whole of ${folder} instead.`,
        )
      }
    }
    const fix = `Mount one file system for the whole of ${folder}, tmp and objects included.`
    const [a, b] = await Promise.all([lstat(temp), lstat(objects)])
    if (a.dev !== b.dev) return failed(`${temp} and ${objects} lie on two mounts.`, fix)
    const name = `doctor-${randomBytes(8).toString('hex')}`
    const [from, to] = [join(temp, name), join(objects, name)]
    try {
      await writeFile(from, '')
      await rename(from, to)
      return ok('Temporary files and blobs lie on one mount.')
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
