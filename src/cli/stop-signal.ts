/** Resolves at the first SIGINT or SIGTERM. A second one exits at once. */
import { printNote } from './output.ts'

export function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false
    const onSignal = (signal: NodeJS.Signals): void => {
      if (!asked) {
        asked = true
        resolve(signal)
        return
      }
      printNote('Exited without waiting.')
      process.exit(130)
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}
