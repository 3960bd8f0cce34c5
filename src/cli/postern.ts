#!/usr/bin/env node
/** The `postern` command. An old Node must be able to read this file and the one it imports: nothing else is loaded before the check. */
import module from 'node:module'
import { tooOld } from '../node-version.ts'

// Each sync of a running upload waits in a thread of its own; the default of 4 would make them queue (libuv reads this once).
process.env['UV_THREADPOOL_SIZE'] ??= '16'

const problem = tooOld(process.versions.node)
if (problem === null) {
  keepCompiled()
  import('./program.ts')
    .then(({ run }) => run(process.argv))
    .then(
      (exitCode) => {
        process.exitCode = exitCode
      },
      (error: unknown) => {
        console.error(error)
        process.exitCode = 1
      },
    )
} else {
  process.stderr.write(`${problem}\n`)
  process.exitCode = 2
}

/**
 * Keeps compiled code beside the built program, for whoever may write there: whoever can plant code in that folder can
 * change the program as well. Sources are left alone: they change too often.
 */
function keepCompiled(): void {
  if (!import.meta.filename.endsWith('.js')) return
  module.enableCompileCache(`${import.meta.dirname}/.cache`)
  // A server may run for months and end by force: what was compiled at its start is written then.
  setTimeout(() => module.flushCompileCache(), 2000).unref()
}
