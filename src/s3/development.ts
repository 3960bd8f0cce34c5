/** The objects endpoint in development mode: fixed access keys that work only from the developer's machine. */
import { isDevelopmentHost, isDevelopmentOrigin } from '../http/development-host.ts'
import { isStorageError } from '../errors.ts'
import { SignatureError, type KeyRing } from '../sigv4/types.ts'
import type { OperationDeps, S3Context } from './context.ts'

/**
 * The dependencies for one request. The fixed keys are public, so a request that a web site could have caused must
 * not use them. Host must be the developer's own machine, and Origin must be absent or also local.
 */
export function developmentDeps(ctx: S3Context, deps: OperationDeps): OperationDeps {
  if (!deps.development) return deps
  const { headers } = ctx
  const isHost = deps.development.anyHost || isDevelopmentHost(headers.get('host'))
  if (isHost && isDevelopmentOrigin(headers.get('origin'))) return deps
  return { ...deps, keys: without(deps.keys, deps.development.accessKeys()) }
}

const without = (keys: KeyRing, refused: readonly string[]): KeyRing => ({
  find(accessKeyId) {
    if (refused.includes(accessKeyId)) {
      throw new SignatureError(
        'AccessDenied',
        'The fixed access keys of development mode work only with a loopback, *.test or *.localhost Host, and without an Origin of another site. Create a key with: postern keys create --owner NAME',
      )
    }
    return keys.find(accessKeyId)
  },
})

/** Operations that do not create a missing bucket. */
const keepMissing = new Set(['CreateBucket', 'DeleteBucket', 'HeadBucket'])

/** Creates a bucket on its first use by an access key. */
export async function createMissingBucket(ctx: S3Context, operation: string, deps: OperationDeps): Promise<void> {
  const { bucket, principal } = ctx
  if (bucket === null || bucket === deps.gatewayBucket) return
  if (principal.kind !== 'key' || principal.gateway || keepMissing.has(operation)) return
  // An image of another site can be such a read, signed with the published key.
  const isRead = ctx.method === 'GET' || ctx.method === 'HEAD'
  if (isRead && ctx.headers.get('sec-fetch-site') === 'cross-site') return
  try {
    await deps.store.headBucket(bucket)
  } catch (error) {
    if (!isStorageError(error, 'NoSuchBucket')) throw error
    await deps.store.createBucket(bucket, { owner: principal.owner }).catch((cause: unknown) => {
      if (!isStorageError(cause, 'BucketAlreadyOwnedByYou', 'BucketAlreadyExists')) throw cause
    })
  }
}
