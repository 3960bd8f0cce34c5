/** The error that a worker reported before it exited. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure'
  readonly exitCode: 1 | 2
  constructor(message: string, exitCode: 1 | 2) {
    super(message)
    this.exitCode = exitCode
  }
}
