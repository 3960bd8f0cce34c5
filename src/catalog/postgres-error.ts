/** The edge at which the errors of PostgreSQL and of the connection to it become ours. */
import { StorageError, type StorageErrorCode } from '../errors.ts'

/** The connection was lost while a change was being committed: it may have happened or not. */
export class UncertainCommit extends Error {
  override readonly name = 'UncertainCommit'
  constructor(cause: unknown) {
    super('the connection was lost while a change was being committed', { cause })
  }
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html: shut down, crashed, starting, no connection (left). */
const lostStates = /^(08...|57P0[1-5]|53300)$/
const lostCodes = /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)$/
/** What `pg` says without a code. */
const lostMessages =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying|Query read timeout)/
/** A serialisation failure, a deadlock, a lock not had in time: the transaction was rolled back. */
const contention = /^(40001|40P01|55P03)$/
/** The server is a standby by now; another connection may reach the primary. */
const readOnly = '25006'

const codeOf = (cause: unknown): string => {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? code : ''
}

/** Whether the connection is of no use any more. */
export function isLost(cause: unknown): boolean {
  const code = codeOf(cause)
  if (lostStates.test(code) || lostCodes.test(code) || code === readOnly) return true
  return cause instanceof Error && (lostMessages.test(cause.message) || isLostEach(cause))
}

/** `pg` says this instead of sending the query. */
const unsent = /^Client has encountered a connection error/
/** By these the server itself says that it ended the statement. Class 08 may come from a pooler, 57P02 after a crash. */
const ended = /^(57P0[135]|53300|25006)$/

/** Whether a statement whose connection was lost may have been carried out. */
export const isUncertain = (cause: unknown): boolean =>
  isLost(cause) && !ended.test(codeOf(cause)) && !(cause instanceof Error && unsent.test(cause.message))

/** Neither an answer nor a refused connection: what our own clock ended. */
export function isSilence(cause: unknown): boolean {
  if (cause instanceof UncertainCommit) return isSilence(cause.cause)
  if (!(cause instanceof Error)) return false
  return codeOf(cause) === 'ETIMEDOUT' || silentMessages.test(cause.message)
}

const silentMessages =
  /^(timeout exceeded when trying|timeout expired|Query read timeout|Connection terminated due to connection timeout)/

/** A host name with several addresses, none of which can be reached. */
const isLostEach = (cause: Error): boolean =>
  cause instanceof AggregateError && cause.errors.length > 0 && cause.errors.every((error) => isLost(error))

/** Whether the same work may succeed in a moment, nothing of it having happened. */
export const mayRetry = (cause: unknown): boolean =>
  !(cause instanceof UncertainCommit) && (contention.test(codeOf(cause)) || isLost(cause))

type Answer = [StorageErrorCode, string]

const answers: [RegExp, Answer][] = [
  [/^53100$/, ['InsufficientStorage', 'no space is left for the catalog']],
  [/^(40001|40P01|55P03|57014)$/, ['Unavailable', 'the catalog is busy']],
  [/^28/, ['Unavailable', 'PostgreSQL refuses the user or the password of database.url']],
  [/^3D000$/, ['Unavailable', 'the database that database.url names does not exist: make it with createdb']],
  [
    /^42P07$/,
    [
      'Unavailable',
      'the database has tables of another program by the names that the catalog needs. Make a database for Postern ' +
        'alone, or a schema (create schema postern) and add ?options=-csearch_path%3Dpostern to database.url',
    ],
  ],
  [
    /^42501$/,
    [
      'Unavailable',
      'the user of database.url may not do this: make it the owner of the database, or grant create and usage on its schema',
    ],
  ],
  [/^42P01$/, ['Unavailable', 'the database has no catalog yet: run postern db migrate']],
  [/^22021$/, ['InvalidArgument', 'a text holds characters that cannot be stored']],
  [
    /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|ERR_TLS_\w+)$/,
    [
      'Unavailable',
      "PostgreSQL's certificate is not trusted: add sslrootcert=FILE to database.url, and a host that it names",
    ],
  ],
]

/** Whether the catalog's database cannot be reached, and may be in a moment. */
export const isDatabaseAway = (error: unknown): error is StorageError =>
  error instanceof StorageError && error.code === 'Unavailable' && away.has(error)

const away = new WeakSet<StorageError>()

/** Notes that the error says that the database cannot be reached. */
export function databaseAway(message: string, o: { cause: unknown; retryAfter: number }): StorageError {
  const error = new StorageError('Unavailable', { message, ...o })
  away.add(error)
  return error
}

export function translatePostgresError(cause: unknown): StorageError {
  const code = codeOf(cause)
  const found = answers.find(([pattern]) => pattern.test(code))?.[1]
  if (found) return answer(found, cause)
  if (cause instanceof Error && /does not support SSL/.test(cause.message)) {
    return answer(
      ['Unavailable', 'PostgreSQL offers no TLS: leave sslmode out of database.url, or turn ssl on there'],
      cause,
    )
  }
  if (cause instanceof UncertainCommit) {
    const message = "the connection to the catalog's database was lost: the change may have been made or not"
    return databaseAway(message, { cause, retryAfter: 1 })
  }
  if (isLost(cause)) {
    return databaseAway("the catalog's database cannot be reached", { cause, retryAfter: 1 })
  }
  return new StorageError('Internal', { cause })
}

const answer = ([code, message]: Answer, cause: unknown): StorageError =>
  new StorageError(code, { message, cause, ...(code === 'Unavailable' && { retryAfter: 1 }) })
