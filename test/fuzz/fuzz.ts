import * as fc from 'fast-check'
import type { FuzzHarness } from './fuzz-harness.ts'

/** One kind of bad input: how it is made, and what must hold of it. */
export type Fuzz = {
  name: string
  /** Tries within `npm run test:all`: a few seconds' worth. */
  usualTries: number
  run(fuzzed: FuzzHarness | null, o: Replay & { numRuns: number }): Promise<Outcome>
}

export type Replay = { seed: number; path?: string }
export type Outcome = { tries: number; failure: null | { report: string; path: string } }

/** `check` throws where something does not hold. `inputs` may read the harness. The same seed makes the same inputs. */
export function fuzz<T>(
  name: string,
  usualTries: number,
  inputs: (fuzzed: FuzzHarness) => fc.Arbitrary<T>,
  check: (fuzzed: FuzzHarness, input: T) => Promise<void>,
): Fuzz {
  return {
    name,
    usualTries,
    async run(fuzzed, o) {
      if (fuzzed === null) throw new TypeError(`${name} needs a fuzzed`)
      const property = fc.asyncProperty(inputs(fuzzed), (input) => check(fuzzed, input))
      const details = await fc.check(property, o)
      const { failed, numRuns, counterexamplePath, errorInstance } = details
      const why = errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : ''
      const report = `${fc.defaultReportMessage(details)}\n${why}`
      const failure = failed ? { report, path: counterexamplePath ?? '' } : null
      return { tries: numRuns, failure }
    },
  }
}

const byte = fc.nat({ max: 255 })

/** A change somewhere in a body: bytes taken out, others put in. */
export type ByteSplice = { at: number; remove: number; insert: Buffer }

/** `favoured`: what is worth putting in, beside any byte. */
export const byteSplice = (favoured: readonly string[]): fc.Arbitrary<ByteSplice> =>
  fc.record({
    at: fc.nat(),
    remove: fc.nat({ max: 4 }),
    insert: fc.oneof(
      fc.constantFrom(...favoured).map((text) => Buffer.from(text)),
      fc.array(byte, { maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    ),
  })

export const spliced = (bytes: Buffer, changes: readonly ByteSplice[]): Buffer =>
  changes.reduce((now, { at, remove, insert }) => {
    const from = at % (now.length + 1)
    return Buffer.concat([now.subarray(0, from), insert, now.subarray(from + remove)])
  }, bytes)
