/** What the driver needs of a logger; pino is one. */
export type DiskLog = {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export const silent: DiskLog = { info() {}, warn() {}, error() {} }
