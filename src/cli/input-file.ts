import { accessSync, constants, statSync } from 'node:fs'
import { cannotOpen } from '../cannot-open.ts'
import { CliError } from './cli-error.ts'

/** Errors: CliError (wrong usage) if `path` is not a readable file. */
export function assertInputFile(path: string): void {
  try {
    if (statSync(path).isDirectory()) throw new CliError(`${path} is a folder, not a file.`, 2)
    accessSync(path, constants.R_OK)
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new CliError(`There is no file ${path}.`, 2, { cause })
    throw new CliError(cannotOpen(path, cause, { to: 'read' }), 2, { cause })
  }
}
