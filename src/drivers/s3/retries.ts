/**
 * Decides which calls are retried. A change that runs twice can undo another client's change in between, and a
 * conditional change fails the second time because of the first. A change is therefore retried only if the store has
 * certainly not started it.
 */
import type { S3 } from '@aws-sdk/client-s3'

type Retries = Awaited<ReturnType<S3['config']['retryStrategy']>>
type RetriesV2 = Extract<Retries, { refreshRetryTokenForRetry: unknown }>

const changes = new Set(['putObject', 'copyObject', 'deleteObject', 'deleteObjects', 'putObjectTags', 'setObjectAcl'])

export const isChange = (operation: string): boolean => changes.has(operation)

/** Never retries a call that the store may have carried out. */
export const onlyWhenNotBegun = (retries: Retries): RetriesV2 => {
  const { acquireInitialRetryToken, refreshRetryTokenForRetry, recordSuccess } = retries as RetriesV2
  return {
    acquireInitialRetryToken: acquireInitialRetryToken.bind(retries),
    recordSuccess: recordSuccess.bind(retries),
    async refreshRetryTokenForRetry(token, failed) {
      if (!wasNotBegun(failed.error)) throw new Error('The store may have completed the call.')
      return refreshRetryTokenForRetry.call(retries, token, failed)
    },
  }
}

const unreached = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN)$/

/**
 * Whether the store rejected the call, or never received it. Of the 5xx statuses only 503 proves this: a 500 may come
 * after the work, and 502 and 504 may come from a proxy. The SDK reports a 200 with an error or no body as 503, mostly
 * with the name InternalError.
 */
function wasNotBegun(error: unknown): boolean {
  const e = (error ?? {}) as { $metadata?: { httpStatusCode?: number }; name?: string; code?: string; syscall?: string }
  const status = e.$metadata?.httpStatusCode
  if (status !== undefined) return status < 500 || (status === 503 && e.name !== 'InternalError')
  return e.syscall === 'connect' || unreached.test(e.code ?? '')
}
