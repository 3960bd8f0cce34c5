/** Work that Ctrl-C or SIGTERM ends in an orderly way, so that it can remove what it has begun. */
import { printNote } from './output.ts'

/** Resolves to exit code 130 where the work ended because of a signal. A second signal ends the process at once. */
export async function interruptible(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const stopping = new AbortController()
  const onSignal = (): void => {
    if (stopping.signal.aborted) process.exit(130)
    printNote('Interrupted. Tidying up; once more ends it now.')
    stopping.abort()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  try {
    return await work(stopping.signal)
  } catch (error) {
    if (stopping.signal.aborted) return 130
    throw error
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}
