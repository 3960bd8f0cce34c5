/** Work that Ctrl-C or SIGTERM ends in an orderly way, so that it can remove what it has begun. */
import { printJson, printNote } from './output.ts'

/**
 * Resolves to exit code 130 where the work failed after a signal; work that ends well all the same says its own code. A
 * second signal ends the process at once. `json`: whoever reads the result is told.
 */
export async function interruptible(
  work: (signal: AbortSignal) => Promise<number>,
  { json = false }: { json?: boolean | undefined } = {},
): Promise<number> {
  const stopping = new AbortController()
  const onSignal = (): void => {
    if (stopping.signal.aborted) process.exit(130)
    printNote('Interrupted. Tidying up; once more ends it now.')
    stopping.abort()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  // Whoever read the result has gone (`| head`): what was begun is tidied up all the same.
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
