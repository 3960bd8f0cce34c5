type LogMethod = {
  (message: string): void
  /** `fields` is an `Error`, or the fields of the entry. In fields, the error is `err`. */
  (fields: object, message?: string): void
}

/** The part of a pino logger that the gateway uses. Any pino instance fits. */
export type Logger = Record<'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal', LogMethod> & {
  isLevelEnabled(level: string): boolean
  child(fields: Record<string, unknown>): Logger
}
