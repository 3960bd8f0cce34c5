/** A reporter of vitest for a long run whose passing tests are not printed: one line for each tenth of the files. */
import type { Reporter } from 'vitest/node'

export default class ProgressReporter implements Reporter {
  #files = 0
  #ended = 0

  onTestRunStart(files: readonly unknown[]): void {
    this.#files = files.length
    this.#ended = 0
  }

  onTestModuleEnd(): void {
    const tenth = (count: number): number => Math.floor((count * 10) / this.#files)
    this.#ended += 1
    if (tenth(this.#ended) > tenth(this.#ended - 1)) console.log(`${this.#ended} of ${this.#files} files`)
  }
}
