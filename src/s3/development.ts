/** What development mode changes at the objects endpoint: fixed access keys that only a developer's machine may use. */
import { isDevelopmentHost, isDevelopmentOrigin } from '../http/development-host.ts'
import { isStorageError } from '../errors.ts'
import { SignatureError, type KeyRing } from '../sigv4/types.ts'
import type { OperationDeps, S3Context } from './context.ts'

/**
 * The dependencies for one request. The fixed keys are public knowledge, so a request that any web site could have
 * caused must not use them: Host has to be the developer's own machine, and Origin absent or likewise.
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

/** Operations for which a missing bucket must stay missing. */
const leaveMissing = new Set(['CreateBucket', 'DeleteBucket', 'HeadBucket'])

/** Creates the bucket that an access key uses for the first time. */
export async function createMissingBucket(ctx: S3Context, operation: string, deps: OperationDeps): Promise<void> {
  const { bucket, principal } = ctx
  if (bucket === null || bucket === deps.gatewayBucket) return
  if (principal.kind !== 'key' || principal.gateway || leaveMissing.has(operation)) return
  try {
    await deps.store.headBucket(bucket)
  } catch (error) {
    if (!isStorageError(error, 'NoSuchBucket')) throw error
    await deps.store.createBucket(bucket, { owner: principal.owner }).catch((cause: unknown) => {
      if (!isStorageError(cause, 'BucketAlreadyOwnedByYou', 'BucketAlreadyExists')) throw cause
    })
  }
}
