import { pino } from 'pino'
import type { Config } from '../config/config.ts'
import type { Logger } from '../log.ts'
import { createExhaustionReport } from './descriptor-limit.ts'
import { StorageError } from '../errors.ts'
import { stderrLines } from './stderr-lines.ts'
import { createTerminalFormat } from './terminal-lines.ts'

/** Receives whole lines. */
export type LogDestination = { write(line: string): void }

const hidden = '[hidden]'
const secretNames =
  /^(authorization|proxy-authorization|cookie|set-cookie|x-amz-signature|x-amz-security-token|x-amz-credential-secret|signature|token|access_token|id_token|jwt|secret|secretaccesskey|sessiontoken|password|signingkey|x-amz-(?:copy-source-)?server-side-encryption-customer-key)$/i
/** Whether a header or parameter of this name holds a credential. */
export const isSecretName = (name: string): boolean => secretNames.test(name)

const secretPairs =
  /((?:x-amz-signature|x-amz-security-token|signature|access_token|token|encryption-customer-key)=)[^&\s"'<>]+/gi
const bearer = /(bearer\s+)[\w.~+/=-]+/gi
/**
 * Matches whole runs, so that each is checked once. Searching from every `eyJ` in a URL of 16 KB takes a third of a
 * second.
 */
const dottedRuns = /(?<![\w.-])[\w.-]+/g
/** Letters may be percent-encoded. */
const linkToken = /(\/l\/)[\w%-]{8,}/g

/** A JWT: a header that starts with `eyJ`, and two more parts. */
const isJwt = (run: string): boolean =>
  run.includes('eyJ') &&
  run
    .split('.')
    .slice(0, -2)
    .some((part) => /\beyJ[\w-]/.test(part))

/** Removes credentials from free text: signatures, security tokens, bearer tokens and link tokens. */
export const maskText = (text: string): string =>
  text
    .replace(secretPairs, `$1${hidden}`)
    .replace(bearer, `$1${hidden}`)
    .replace(dottedRuns, (run) => (isJwt(run) ? hidden : run))
    .replace(linkToken, `$1${hidden}`)

/** Parameters whose values are not credentials, however random they look. */
const publicNames =
  /^(?:x-amz-(?:algorithm|credential|date|expires|signedheaders|content-sha256|checksum-.*|sdk-.*)|awsaccesskeyid|key|(?:key-|upload-id-|version-id-)?marker|uploadid|versionid|prefix|start-after|continuation-token|cursor|q|filename|type|response-.*)$/i
const longRun = /[\w-]{24,}/g

/** Whether a value contains a long run of letters and digits, like a nonce, an API key or an opaque token. */
const isTokenLike = (name: string, value: string): boolean =>
  !publicNames.test(name) &&
  (decoded(value)
    .match(longRun)
    ?.some((run) => /\d/.test(run) && /[a-z]/i.test(run)) ??
    false)

/** Characters of a target in a log line. */
const maxLogged = 1024

/** Masks a target for the log and truncates it. */
export function shortTarget(target: string): string {
  const masked = maskTarget(target)
  return masked.length <= maxLogged ? masked : `${masked.slice(0, maxLogged)}… (${target.length} characters)`
}

/**
 * Masks a request target for the log: credentials and values that look like tokens are hidden. Names are decoded
 * before they are compared, so an encoded name hides nothing.
 */
export function maskTarget(target: string): string {
  const mark = target.indexOf('?')
  if (mark === -1) return maskText(target)
  const query = target
    .slice(mark + 1)
    .split('&')
    .map((pair) => {
      const equals = pair.indexOf('=')
      if (equals === -1) return isTokenLike('', pair) ? hidden : pair
      const name = pair.slice(0, equals)
      const plain = decoded(name)
      return secretNames.test(plain) || isTokenLike(plain, pair.slice(equals + 1)) ? `${name}=${hidden}` : pair
    })
  return maskText(`${target.slice(0, mark)}?${query.join('&')}`)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const deepest = 6

/** A copy of a log value with secrets hidden, by name at any depth and inside strings. */
export function maskValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return maskText(value)
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Date) return value
  if (depth >= deepest) return '[deep]'
  if (value instanceof Error) return maskError(value, depth)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.map((item) => maskValue(item, depth + 1))
  const copy: Record<string, unknown> = {}
  for (const [name, item] of Object.entries(value)) {
    copy[name] = secretNames.test(name) ? hidden : maskValue(item, depth + 1)
  }
  return copy
}

function maskError(error: Error, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = { type: error.name, message: maskText(error.message) }
  const isExplained = error instanceof StorageError && error.code !== 'Internal'
  if (error.stack && !isExplained) copy['stack'] = maskText(error.stack)
  if ('code' in error) copy['code'] = error.code
  if (error.cause !== undefined) copy['cause'] = maskValue(error.cause, depth + 1)
  // The message of the error says what to do. A stack trace would not help the operator.
  if (isExplained && error.cause instanceof Error) delete (copy['cause'] as { stack?: unknown }).stack
  return copy
}

/**
 * Logs one line of JSON per event on stderr, or readable lines on a terminal. Credentials are never written, whatever
 * a caller passes. `destination` replaces stderr in tests.
 */
export function createLogger(config: Pick<Config['log'], 'level' | 'format'>, destination?: LogDestination): Logger {
  const reportExhaustion = createExhaustionReport()
  const options = {
    level: config.level,
    base: null,
    formatters: { log: (entry: Record<string, unknown>) => maskValue(entry) as Record<string, unknown> },
    // pino runs serializers before the formatter, so `err` is passed through and masked with the rest.
    serializers: { err: (error: unknown) => maskValue(error) },
    hooks: {
      logMethod(this: Logger, args: unknown[], method: (...args: unknown[]) => void) {
        const message = args.length === 1 ? errorMessage(args[0]) : undefined
        const all = message === undefined ? args : [...args, message]
        method.apply(
          this,
          all.map((arg) => (typeof arg === 'string' ? maskText(arg) : arg)),
        )
        reportExhaustion(this, args[0])
      },
    },
  } as const
  return pino(options as never, destination ?? stderr(config.format))
}

/** pino's own choice of message, unmasked, if the caller passes none. */
function errorMessage(entry: unknown): string | undefined {
  if (entry instanceof Error) return entry.message
  const inner = entry !== null && typeof entry === 'object' && 'err' in entry ? entry.err : undefined
  return inner instanceof Error ? inner.message : undefined
}

function stderr(format: Config['log']['format']): LogDestination & { flushSync(): void } {
  const lines = stderrLines()
  const flushSync = (): void => lines.flushSync()
  if (format === 'json' || (format === 'auto' && !process.stderr.isTTY)) {
    return { write: (line) => lines.append(line), flushSync }
  }
  const readable = createTerminalFormat(process.stderr.isTTY)
  return { write: (line) => lines.append(readable(line)), flushSync }
}
