import { isStorageError, StorageError } from '../errors.ts'
import type { BucketInfo, ObjectRef, StorageDriver } from '../drivers/driver.ts'
import type { Principal } from './context.ts'

/**
 * `read`: one object's bytes and facts. `write`: make, change, delete objects. `list`: what a bucket holds.
 * `inspect` and `configure`: a bucket's settings, and those of its objects. `create`: the bucket itself.
 */
export type Action = 'read' | 'write' | 'list' | 'inspect' | 'configure' | 'create'

export type AccessOptions = { store: StorageDriver; gatewayBucket: string; publicPrefix: string }

export type Access = {
  /** Resolves when the principal may; else throws AccessDenied, or NoSuchBucket where there is none. */
  allow(principal: Principal, action: Action, on: { bucket: string; key?: string }): Promise<void>
}

export function createAccess({ store, gatewayBucket, publicPrefix }: AccessOptions): Access {
  /** Nobody but the gateway's own key writes there; below the public prefix everyone reads, as by a bucket policy. */
  function allowInGatewayBucket(principal: Principal, action: Action, key: string | undefined): void {
    const own = principal.kind === 'key' && principal.gateway
    if (own && action !== 'configure') return
    if (action === 'read' && key?.startsWith(publicPrefix) === true) return
    throw denied()
  }

  async function publicObject(ref: ObjectRef, bucket: BucketInfo): Promise<boolean> {
    try {
      return (await store.headObject(ref)).acl === 'public-read'
    } catch (error) {
      // Who may list the bucket may learn that a key is absent; to others absent and forbidden look alike.
      if (isStorageError(error, 'NotFound')) return bucket.acl === 'public-read'
      throw error
    }
  }

  return {
    async allow(principal, action, { bucket, key }) {
      if (bucket === gatewayBucket) {
        allowInGatewayBucket(principal, action, key)
        return
      }
      if (action === 'create') {
        if (principal.kind === 'anonymous') throw denied()
        return
      }
      const info = await store.headBucket(bucket)
      if (principal.kind === 'key' && principal.owner === info.owner) return
      if (action === 'list' && info.acl === 'public-read') return
      if (action === 'read' && key !== undefined && (await publicObject({ bucket, key }, info))) return
      throw denied()
    },
  }
}

export const denied = (): StorageError => new StorageError('AccessDenied', { message: 'Access Denied' })
