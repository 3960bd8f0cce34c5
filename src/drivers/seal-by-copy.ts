/**
 * Seals confirmed bytes against upload URLs that are still valid. The store copies them to a key that no URL can write
 * to. The copy has only the given headers, because nothing verified the writer's.
 */
import { StorageError } from '../errors.ts'
import type { ObjectStore } from './driver.ts'
import { resourceOf } from './rules.ts'

type SealDeps = Pick<ObjectStore, 'headObject' | 'copyObject' | 'deleteObject'> & {
  log: { warn(facts: object, message: string): void }
}

export const sealByCopy =
  (deps: SealDeps): ObjectStore['sealObject'] =>
  async (ref, o) => {
    const pinned = o.versionId === 'null' ? undefined : o.versionId
    const head = await deps.headObject(ref, version(pinned))
    const etag = o.etag.replaceAll('"', '')
    if (head.etag !== etag) {
      throw new StorageError('PreconditionFailed', {
        resource: resourceOf(ref),
        message: 'The object is no longer the one that was verified',
      })
    }
    const versionId = pinned ?? head.versionId
    if (versionId !== undefined && o.headers === undefined) return { ref, versionId, etag }

    const target = { bucket: ref.bucket, key: o.to }
    const copy = await deps.copyObject(ref, target, {
      sourceConditions: { ifMatch: etag },
      ...(versionId !== undefined && { sourceVersionId: versionId }),
      ...(o.headers && { ...o.headers, metadataDirective: 'REPLACE', taggingDirective: 'REPLACE' }),
    })
    // The collector deletes whatever remains at a grant's key, so a failed deletion costs only disk space.
    if (!o.keepSource && o.to !== ref.key) {
      await deps.deleteObject(ref).catch((error: unknown) => {
        deps.log.warn({ err: error, key: ref.key }, 'the source of a sealed object could not be deleted')
      })
    }
    return { ref: target, etag: copy.etag, ...version(copy.versionId) }
  }

const version = (versionId: string | undefined): { versionId?: string } =>
  versionId === undefined ? {} : { versionId }
