/** Compiles `shim.c`, and runs processes in which one call on files below a folder fails. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export type Errno = 'EIO' | 'ENOSPC' | 'EACCES'

export type FailingCalls = {
  /** For the process: its `at`-th call below the folder that can fail with `errno` fails. 0: none fails. */
  env(o: { below: string; at: number; errno: Errno }): Record<string, string>
  /** Of the process that ended last: the call that failed, and the number of calls that could. */
  report(): { failed: string | null; seen: number }
}

/** `folder`: where the library and its report lie. Needs gcc. */
export function buildShim(folder: string): FailingCalls {
  const library = join(folder, 'shim.so')
  const report = join(folder, 'shim-report')
  execFileSync('gcc', ['-O2', '-shared', '-fPIC', '-o', library, join(import.meta.dirname, 'shim.c'), '-ldl'])
  return {
    env({ below, at, errno }) {
      rmSync(report, { force: true })
      return {
        LD_PRELOAD: library,
        FAIL_BELOW: below,
        FAIL_AT: String(at),
        FAIL_WITH: errno,
        FAIL_REPORT: report,
      }
    },
    report() {
      const text = existsSync(report) ? readFileSync(report, 'utf8') : ''
      return {
        failed: /^failed (.*)$/m.exec(text)?.[1] ?? null,
        seen: Number(/^seen (\d+)$/m.exec(text)?.[1] ?? 0),
      }
    },
  }
}
