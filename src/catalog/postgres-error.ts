/** Translates errors of PostgreSQL and of the connection to it. */
import { StorageError, type StorageErrorCode } from '../errors.ts'

/** The connection was lost during a commit, so the change may or may not have happened. */
export class UncertainCommit extends Error {
  override readonly name = 'UncertainCommit'
  constructor(cause: unknown) {
    super('the connection was lost during a commit', { cause })
  }
}

/**
 * https://www.postgresql.org/docs/current/errcodes-appendix.html: shut down, crashed, starting, no connection (left).
 */
const lostStates = /^(08...|57P0[1-5]|53300)$/
const lostCodes = /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)$/
/** Messages of `pg` that have no code. */
const lostMessages =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying|Query read timeout)/
/** A serialisation failure, a deadlock or a lock timeout. The transaction was rolled back. */
const contention = /^(40001|40P01|55P03)$/
/** The server has become a standby. Another connection may reach the primary. */
const readOnly = '25006'

const codeOf = (cause: unknown): string => {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? code : ''
}

/** Whether the connection is unusable. */
export function isLost(cause: unknown): boolean {
  const code = codeOf(cause)
  if (lostStates.test(code) || lostCodes.test(code) || code === readOnly) return true
  return cause instanceof Error && (lostMessages.test(cause.message) || isLostEach(cause))
}

/** `pg` fails with this without sending the query. */
const unsent = /^Client has encountered a connection error/
/**
 * With these codes the server reports that it ended the statement. Class 08 may come from a pooler, 57P02 after a
 * crash.
 */
const ended = /^(57P0[135]|53300|25006)$/

/** Whether a statement whose connection was lost may have been executed. */
export const isUncertain = (cause: unknown): boolean =>
  isLost(cause) && !ended.test(codeOf(cause)) && !(cause instanceof Error && unsent.test(cause.message))

/** Whether the client's own timeout ended the call, without an answer or a refused connection. */
export function isSilence(cause: unknown): boolean {
  if (cause instanceof UncertainCommit) return isSilence(cause.cause)
  if (!(cause instanceof Error)) return false
  return codeOf(cause) === 'ETIMEDOUT' || silentMessages.test(cause.message)
}

const silentMessages =
  /^(timeout exceeded when trying|timeout expired|Query read timeout|Connection terminated due to connection timeout)/

/** Whether a host name has several addresses and none can be reached. */
const isLostEach = (cause: Error): boolean =>
  cause instanceof AggregateError && cause.errors.length > 0 && cause.errors.every((error) => isLost(error))

/** Whether a retry may succeed. The failed work has changed nothing. */
export const mayRetry = (cause: unknown): boolean =>
  !(cause instanceof UncertainCommit) && (contention.test(codeOf(cause)) || isLost(cause))

type Answer = [StorageErrorCode, string]

const answers: [RegExp, Answer][] = [
  [/^53100$/, ['InsufficientStorage', 'no space is left for the catalog']],
  [/^(40001|40P01|55P03|57014)$/, ['Unavailable', 'the catalog is busy']],
  [/^28/, ['Unavailable', 'PostgreSQL refuses the user or the password of database.url']],
  [/^3D000$/, ['Unavailable', 'the database that database.url names does not exist. Create it with createdb']],
  [
    /^42P07$/,
    [
      'Unavailable',
      'tables of another program have the names that the catalog needs. Create a database for Postern alone, or ' +
        'create a schema (create schema postern) and add ?options=-csearch_path%3Dpostern to database.url',
    ],
  ],
  [
    /^42501$/,
    [
      'Unavailable',
      'the user of database.url lacks permissions. Make it the owner of the database, or grant create and usage on its schema',
    ],
  ],
  [/^42P01$/, ['Unavailable', 'the database has no catalog yet. Run postern db migrate']],
  [/^22021$/, ['InvalidArgument', 'a text contains characters that PostgreSQL cannot store']],
  [
    /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|ERR_TLS_\w+)$/,
    [
      'Unavailable',
      "PostgreSQL's certificate is not trusted. Add sslrootcert=FILE to database.url, with a host that the certificate names",
    ],
  ],
]

/** Whether the error means that the catalog's database cannot be reached at the moment. */
export const isDatabaseAway = (error: unknown): error is StorageError =>
  error instanceof StorageError && error.code === 'Unavailable' && away.has(error)

const away = new WeakSet<StorageError>()

/** Creates an error for which `isDatabaseAway` is true. */
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
      ['Unavailable', 'PostgreSQL does not offer TLS. Remove sslmode from database.url, or turn ssl on in PostgreSQL'],
      cause,
    )
  }
  if (cause instanceof UncertainCommit) {
    const message = "the connection to the catalog's database was lost. The change may or may not have happened"
    return databaseAway(message, { cause, retryAfter: 1 })
  }
  if (isLost(cause)) {
    return databaseAway("the catalog's database cannot be reached", { cause, retryAfter: 1 })
  }
  return new StorageError('Internal', { cause })
}

const answer = ([code, message]: Answer, cause: unknown): StorageError =>
  new StorageError(code, { message, cause, ...(code === 'Unavailable' && { retryAfter: 1 }) })
