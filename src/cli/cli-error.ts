/** 1: it failed. 2: the call or the configuration is wrong. */
export type FailureCode = 1 | 2

/** A failure whose message is all that the user needs. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: FailureCode
  constructor(message: string, exitCode: FailureCode, o: { cause?: unknown } = {}) {
    super(message, o)
    this.exitCode = exitCode
  }
}
