/**
 * Imports the AWS SDK only when a store operation or the default credential chain first needs it. It takes longer to
 * load than the rest of the program, and presigning with configured credentials works without it.
 */
import type { S3 } from '@aws-sdk/client-s3'
import { CircuitBreaker } from '../../circuit-breaker.ts'
import type { SigningCredentials } from '../../sigv4/types.ts'
import { StorageError } from '../../errors.ts'
import { isSilence, mapAwsError, type FailedOperation } from './aws-error.ts'
import { timeoutsFor, StallTimeout } from './timeouts.ts'
import { isChange, onlyWhenNotBegun } from './retries.ts'
import type { S3Settings } from './settings.ts'

export type Sdk = typeof import('@aws-sdk/client-s3')
export type ExpiringCredentials = SigningCredentials & { expiration?: Date }

export type RunOptions = {
  /** Aborted when the caller no longer waits. */
  signal?: AbortSignal | undefined
  /** Size of a body that is sent from memory. */
  bytes?: number
  /** A short check of whether the store responds. The circuit breaker always admits it. */
  isProbe?: true
  /** Does not call the store, so the circuit breaker ignores it. */
  isLocal?: true
  /** The caller watches the progress of a stream and aborts it by `signal`. */
  isWatched?: true
}

export type Connection = {
  /**
   * Runs one operation, aborts it after its timeout, and translates its error. Pass `abortSignal` to the request.
   * Errors: Unavailable without a call while the circuit breaker is open.
   */
  run<T>(
    failed: FailedOperation,
    operation: (s3: S3, sdk: Sdk, abortSignal: AbortSignal) => Promise<T>,
    o?: RunOptions,
  ): Promise<T>
  credentials(): Promise<ExpiringCredentials>
  /** A client that signs for the public endpoint, for cases that `sigv4/presign` does not cover. */
  signingClient(): Promise<{ s3: S3; sdk: Sdk }>
  close(): void
}

export function createConnection(settings: S3Settings): Connection {
  let opened: Promise<{ s3: S3; sdk: Sdk }> | undefined
  let closed = false
  const open = async (endpoint: string | null) => {
    const sdk = await import('@aws-sdk/client-s3')
    return { sdk, s3: new sdk.S3(clientConfig(settings, endpoint)) }
  }
  let careful: Promise<S3> | undefined
  /** A client with the same connections and credentials, for changes that must not run twice. */
  const openCareful = async ({ s3, sdk }: { s3: S3; sdk: Sdk }) => {
    const { credentials, requestHandler } = s3.config
    const retryStrategy = onlyWhenNotBegun(await s3.config.retryStrategy())
    return new sdk.S3({ ...clientConfig(settings, settings.endpoint), credentials, requestHandler, retryStrategy })
  }
  const opening = async () => {
    if (closed) throw new StorageError('Unavailable', { message: 'The store is closed.' })
    return (opened ??= open(settings.endpoint))
  }
  let signing: Promise<{ s3: S3; sdk: Sdk }> | undefined

  const breaker = new CircuitBreaker({ name: 'The bucket' })

  const run: Connection['run'] = async (failed, operation, o = {}) => {
    if (!o.isProbe && !o.isLocal) breaker.admit()
    const { timeouts } = settings
    const timeout = o.isProbe ? timeouts.probe : timeoutsFor(failed.operation, timeouts, o.bytes)
    try {
      const result = await within(o.isWatched ? null : timeout, o.signal, async (abortSignal) => {
        const { s3, sdk } = await opening()
        // The write check may run twice, because nothing else writes its key.
        const client = isChange(failed.operation) && !o.isProbe ? await (careful ??= openCareful({ s3, sdk })) : s3
        return operation(client, sdk, abortSignal)
      })
      if (!o.isLocal) breaker.answered()
      return result
    } catch (cause) {
      if (o.isLocal) throw mapAwsError(failed.operation, failed.ref, cause)
      if (isSilence(cause)) breaker.wasSilent()
      else if (isAnswer(cause)) breaker.answered()
      throw mapAwsError(failed.operation, failed.ref, cause)
    }
  }

  return {
    run,

    async credentials() {
      if (settings.credentials) return settings.credentials
      return run({ operation: 'credentials' }, (s3) => s3.config.credentials(), { isLocal: true })
    },

    signingClient: () => (signing ??= open(settings.publicEndpoint)),

    close() {
      closed = true
      for (const client of [opened, signing]) void client?.then(({ s3 }) => s3.destroy())
    },
  }
}

/**
 * Aborts `work` after `timeout` milliseconds and rejects at once, because some credential providers ignore the signal.
 */
async function within<T>(
  timeout: number | null,
  given: AbortSignal | undefined,
  work: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController()
  const timer = timeout === null ? undefined : setTimeout(() => late.abort(new StallTimeout(timeout)), timeout)
  const signal = given ? AbortSignal.any([given, late.signal]) : late.signal
  let stop = (): void => {}
  const ended = new Promise<never>((_, reject) => {
    stop = () => reject(givenUp(signal.reason))
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
  })
  ended.catch(() => {})
  try {
    const working = work(signal)
    working.catch(() => {})
    return await Promise.race([working, ended])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

/** The abort reason as an error that `mapAwsError` recognises. */
const givenUp = (reason: unknown): Error =>
  reason instanceof StorageError || reason instanceof StallTimeout
    ? reason
    : Object.assign(new Error('the call was aborted', { cause: reason }), { name: 'AbortError' })

const isAnswer = (cause: unknown): boolean =>
  typeof cause === 'object' && cause !== null && '$metadata' in cause && hasStatus(cause.$metadata)

const hasStatus = (metadata: unknown): boolean =>
  typeof metadata === 'object' &&
  metadata !== null &&
  'httpStatusCode' in metadata &&
  metadata.httpStatusCode !== undefined

type OutgoingRequest = { headers: Record<string, string>; body?: unknown }

/** Changes a command's request before it is signed, for headers without a field in the SDK. */
export function changeRequest<C extends object>(command: C, change: (request: OutgoingRequest) => void): C {
  const { middlewareStack } = command as unknown as Pick<S3, 'middlewareStack'>
  middlewareStack.add(
    (next) => (args) => {
      change((args as { request: OutgoingRequest }).request)
      return next(args)
    },
    { step: 'build', priority: 'low' },
  )
  return command
}

export const withHeaders = <C extends object>(command: C, headers: Record<string, string>): C =>
  changeRequest(command, (request) => void Object.assign(request.headers, headers))

/** Milliseconds. `run` sets the timeout of a call. The socket may be idle for minutes during a copy. */
const timeouts = { connectionTimeout: 5_000, socketTimeout: 0 }
const agent = { keepAlive: true, maxSockets: 256 }

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

function clientConfig(settings: S3Settings, endpoint: string | null) {
  return {
    region: settings.region,
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: settings.pathStyle }),
    ...(settings.credentials ? { credentials: settings.credentials } : {}),
    // By default, the SDK adds a CRC32 to every upload and requires one in every response. Other stores reject this.
    requestChecksumCalculation: 'WHEN_REQUIRED' as const,
    responseChecksumValidation: 'WHEN_REQUIRED' as const,
    // The ARN of an access point contains its region.
    useArnRegion: true,
    maxAttempts: 3,
    // Errors report every failure. The SDK's own log would go to the console.
    logger: silent,
    requestHandler: { ...timeouts, logger: silent, httpAgent: agent, httpsAgent: agent },
  }
}
