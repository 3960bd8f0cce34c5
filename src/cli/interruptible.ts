/** Runs work that Ctrl-C or SIGTERM aborts cleanly, so that it can undo what it has started. */
import { printJson, printNote } from './output.ts'

/**
 * Resolves to exit code 130 if the work failed after a signal. Work that still succeeds returns its own code. A
 * second signal exits at once. With `json`, the interruption is reported as JSON.
 */
export async function interruptible(
  work: (signal: AbortSignal) => Promise<number>,
  { json = false }: { json?: boolean | undefined } = {},
): Promise<number> {
  const stopping = new AbortController()
  const onSignal = (): void => {
    if (stopping.signal.aborted) process.exit(130)
    printNote('Interrupted. Cleaning up. Press Ctrl-C again to exit now.')
    stopping.abort()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  // The reader of stdout may have closed the pipe (`| head`). Cleaning up continues.
  process.stdout.removeAllListeners('error').on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE') process.exit(1)
    stopping.abort()
  })
  try {
    return await work(stopping.signal)
  } catch (error) {
    if (!stopping.signal.aborted) throw error
    if (json) printJson({ ok: false, error: 'interrupted' })
    return 130
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}
