/**
 * Confirmed bytes stay as they are, whatever a live upload URL still writes. The store copies them to a key that no URL
 * can write to. The copy has the given headers and none of the writer's, which nobody verified.
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
    // The collector removes what is left at the key of a grant, so a failed deletion costs no more than some space.
    if (!o.keepSource && o.to !== ref.key) {
      await deps.deleteObject(ref).catch((error: unknown) => {
        deps.log.warn({ err: error, key: ref.key }, 'the source of a sealed object could not be deleted')
      })
    }
    return { ref: target, etag: copy.etag, ...version(copy.versionId) }
  }

const version = (versionId: string | undefined): { versionId?: string } =>
  versionId === undefined ? {} : { versionId }
