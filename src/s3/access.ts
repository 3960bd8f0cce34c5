import { isStorageError, StorageError } from '../errors.ts'
import type { BucketInfo, ObjectRef, StorageDriver } from '../drivers/driver.ts'
import type { ObjectsDeps, Principal, PublicObject } from './context.ts'
import { effectiveAcl } from './object-ownership.ts'

/**
 * `read`: one object's bytes and facts. `write`: make, change, delete objects. `list`: what a bucket holds.
 * `inspect` and `configure`: a bucket's settings, and those of its objects. `create`: the bucket itself.
 */
export type Action = 'read' | 'write' | 'list' | 'inspect' | 'configure' | 'create'

export type AccessOptions = { store: StorageDriver; gatewayBucket: string; publicPrefix: string } & Pick<
  ObjectsDeps,
  'publicObject'
>

export type Access = {
  /** Resolves when the principal may; else throws AccessDenied, or NoSuchBucket where there is none. */
  allow(principal: Principal, action: Action, on: { bucket: string; key?: string }): Promise<void>
  /**
   * The same for reading an object. Resolves to the public file that it is, where the principal may read it as anyone
   * may: then only an object that it accepts is to be served, under its headers alone.
   */
  allowRead(principal: Principal, ref: ObjectRef): Promise<PublicObject | null>
}

export function createAccess({ store, gatewayBucket, publicPrefix, publicObject }: AccessOptions): Access {
  const isOwn = (principal: Principal): boolean => principal.kind === 'key' && principal.gateway

  /** Nobody but the gateway's own key writes there. Below the public prefix everyone reads what is a public file. */
  function allowInGatewayBucket(principal: Principal, action: Action): void {
    if (isOwn(principal) && action !== 'configure') return
    throw denied()
  }

  async function readInGatewayBucket(principal: Principal, ref: ObjectRef): Promise<PublicObject | null> {
    if (isOwn(principal)) return null
    if (!ref.key.startsWith(publicPrefix)) throw denied()
    const found = publicObject ? await publicObject(ref) : 'nobody'
    if (found === null) throw noSuchKey()
    return found === 'nobody' ? null : found
  }

  async function hasPublicAcl(ref: ObjectRef, bucket: BucketInfo): Promise<boolean> {
    try {
      return effectiveAcl(bucket, (await store.headObject(ref)).acl ?? 'private') === 'public-read'
    } catch (error) {
      // Who may list the bucket may learn that a key is absent; to others absent and forbidden look alike.
      if (isStorageError(error, 'NotFound')) return effectiveAcl(bucket, bucket.acl) === 'public-read'
      throw error
    }
  }

  const access: Access = {
    async allowRead(principal, ref) {
      if (ref.bucket === gatewayBucket) return readInGatewayBucket(principal, ref)
      await access.allow(principal, 'read', ref)
      return null
    },

    async allow(principal, action, { bucket, key }) {
      if (bucket === gatewayBucket) {
        if (action !== 'read' || key === undefined) return allowInGatewayBucket(principal, action)
        const found = await readInGatewayBucket(principal, { bucket, key })
        if (found && !(await found.accepts(await store.headObject({ bucket, key })))) throw noSuchKey()
        return
      }
      if (action === 'create') {
        if (principal.kind === 'anonymous') throw denied()
        return
      }
      const info = await store.headBucket(bucket)
      if (principal.kind === 'key' && principal.owner === info.owner) return
      if (action === 'list' && effectiveAcl(info, info.acl) === 'public-read') return
      if (action === 'read' && key !== undefined && (await hasPublicAcl({ bucket, key }, info))) return
      throw denied()
    },
  }
  return access
}

/** Below the public prefix what is not served looks like what is not there. */
export const noSuchKey = (): StorageError =>
  new StorageError('NotFound', { message: 'The specified key does not exist.' })

export const denied = (): StorageError => new StorageError('AccessDenied', { message: 'Access Denied' })
