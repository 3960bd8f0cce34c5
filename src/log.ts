type LogMethod = {
  (message: string): void
  /** An `Error`, or fields of the entry; an error among the fields goes under `err`. */
  (fields: object, message?: string): void
}

/** The part of a pino logger that the gateway uses: a pino instance of yours fits. */
export type Logger = Record<'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal', LogMethod> & {
  isLevelEnabled(level: string): boolean
  child(fields: Record<string, unknown>): Logger
}
