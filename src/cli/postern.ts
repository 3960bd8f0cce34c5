#!/usr/bin/env node
/**
 * The `postern` command. Old Node versions must be able to parse this file and the one it imports, because nothing
 * else is loaded before the version check.
 */
import module from 'node:module'
import { tooOld } from '../node-version.ts'

// Each running upload may block one thread in fsync. libuv's default of 4 threads would make them queue. libuv reads
// this once.
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
 * Caches compiled code next to the built program, if the folder is writable. Anyone who can write there can change
 * the program anyway. Sources change too often to be cached.
 */
function keepCompiled(): void {
  if (!import.meta.filename.endsWith('.js')) return
  module.enableCompileCache(`${import.meta.dirname}/.cache`)
  // A server may run for months and then be killed, so write the cache soon after startup.
  setTimeout(() => module.flushCompileCache(), 2000).unref()
}
