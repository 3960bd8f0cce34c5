#!/usr/bin/env node
/** The `postern` command. An old Node must be able to read this file and the one it imports: nothing else is loaded before the check. */
import { tooOld } from './node-version.ts'

// Each sync of a running upload waits in a thread of its own; the default of 4 would make them queue (libuv reads this once).
process.env['UV_THREADPOOL_SIZE'] ??= '16'

const problem = tooOld(process.versions.node)
if (problem === null) {
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
