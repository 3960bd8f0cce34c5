/**
 * The AWS SDK, imported when a store operation or the default credential chain is first needed: it takes longer to
 * load than the rest of the program, and presigning with configured credentials does without it.
 */
import type { S3 } from '@aws-sdk/client-s3'
import type { SigningCredentials } from '../../sigv4/types.ts'
import { StorageError } from '../../errors.ts'
import { mapAwsError, type FailedOperation } from './aws-error.ts'
import type { S3Settings } from './settings.ts'

export type Sdk = typeof import('@aws-sdk/client-s3')
export type ExpiringCredentials = SigningCredentials & { expiration?: Date }

export type Connection = {
  /** Runs one operation and translates its error. */
  run<T>(failed: FailedOperation, operation: (s3: S3, sdk: Sdk) => Promise<T>): Promise<T>
  credentials(): Promise<ExpiringCredentials>
  /** A client whose URLs name the public endpoint; for what `sigv4/presign` does not cover. */
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
  const opening = async () => {
    if (closed) throw new StorageError('Unavailable', { message: 'The store is closed' })
    return (opened ??= open(settings.endpoint))
  }
  let signing: Promise<{ s3: S3; sdk: Sdk }> | undefined

  return {
    async run(failed, operation) {
      try {
        const { s3, sdk } = await opening()
        return await operation(s3, sdk)
      } catch (cause) {
        throw mapAwsError(failed.operation, failed.ref, cause)
      }
    },

    async credentials() {
      if (settings.credentials) return settings.credentials
      try {
        const { s3 } = await opening()
        return await s3.config.credentials()
      } catch (cause) {
        throw mapAwsError('credentials', undefined, cause)
      }
    },

    signingClient: () => (signing ??= open(settings.publicEndpoint)),

    close() {
      closed = true
      for (const client of [opened, signing]) void client?.then(({ s3 }) => s3.destroy())
    },
  }
}

type OutgoingRequest = { headers: Record<string, string>; body?: unknown }

/** Changes a command's request before it is signed: for headers that the SDK has no field for. */
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

/** Milliseconds. A slow upload may take hours; what must not happen is that nothing moves. */
const timeouts = { connectionTimeout: 5_000, socketTimeout: 60_000 }
const agent = { keepAlive: true, maxSockets: 256 }

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

function clientConfig(settings: S3Settings, endpoint: string | null) {
  return {
    region: settings.region,
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: settings.pathStyle }),
    ...(settings.credentials ? { credentials: settings.credentials } : {}),
    // Otherwise the SDK adds a CRC32 to every upload and insists on one in every answer, which other stores refuse.
    requestChecksumCalculation: 'WHEN_REQUIRED' as const,
    responseChecksumValidation: 'WHEN_REQUIRED' as const,
    // An access point's ARN names its own region.
    useArnRegion: true,
    maxAttempts: 3,
    // What goes wrong is told by the errors; its own words would go to the console.
    logger: silent,
    requestHandler: { ...timeouts, logger: silent, httpAgent: agent, httpsAgent: agent },
  }
}
