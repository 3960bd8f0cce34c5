/** A subset of pino's logger. */
export type DiskLog = {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export const silent: DiskLog = { info() {}, warn() {}, error() {} }
