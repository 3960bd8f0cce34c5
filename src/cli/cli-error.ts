/** 1: failed. 2: wrong usage or configuration. */
export type FailureCode = 1 | 2

/** A failure whose message is complete without a stack trace. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: FailureCode
  constructor(message: string, exitCode: FailureCode, o: { cause?: unknown } = {}) {
    super(message, o)
    this.exitCode = exitCode
  }
}
