/** Moves one file to another store. docs/decisions/0009 describes what happens if it is interrupted. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Catalog, FileRecord, Upload } from '../catalog/catalog.ts'
import type { StorageDriver } from '../drivers/driver.ts'
import { isStorageError } from '../errors.ts'
import type { ServiceDeps } from '../service/deps.ts'
import { newSealedKey } from '../service/uploads/object-keys.ts'
import { removeMoved } from '../service/stores/remove-moved.ts'
import { copyObject, type CopyOptions } from './copy-object.ts'
import { createStores } from '../service/stores/stores.ts'

export type MoveOptions = CopyOptions & {
  catalog: Catalog
  bucket: string
  /** Seconds during which URLs of the old object stay valid. */
  grace: number
  /** Whether the old store's URLs of public files, which do not expire, may stop working. */
  endPublicUrls: boolean
  now: () => Date
  log: ServiceDeps['log']
}

const tries = 3
/** Seconds after which an unfinished copy counts as abandoned. */
const copyLasts = 7 * 86_400

/** `gone`: the file was deleted, or another process moved it. Errors: those of copyObject and of the catalog. */
export async function moveFile(o: MoveOptions, upload: Upload): Promise<'moved' | 'gone'> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptMove(o, upload)
    } catch (error) {
      if (o.signal.aborted) throw error
      if (!(await isStillThere(o, upload.file))) return 'gone'
      if (attempt === tries || !mayPass(error)) throw error
      await sleep(500 * 4 ** (attempt - 1), undefined, { signal: o.signal })
    }
  }
}

async function attemptMove(o: MoveOptions, { file, grant }: Upload): Promise<'moved' | 'gone'> {
  const { catalog } = o
  const copyId = randomUUID()
  const target = { bucket: o.bucket, key: newSealedKey(file.key) }
  const removableAt = new Date(o.now().getTime() + copyLasts * 1000)
  await catalog.announceCopy({ id: copyId, fileId: file.id, store: o.to.name, object: target, removableAt })
  const discard = () => removeMoved({ stores: createStores(o.to, [o.from]), catalog, log: o.log }, { id: copyId })
  try {
    const written = await copyObject(o, file, target)
    const left = leftBehind(o, file, grant?.urlExpiresAt ?? null)
    const moved = await catalog.moveFile({ copyId, from: file, object: { ...target, ...written }, left })
    if (moved) return 'moved'
  } catch (error) {
    // If the catalog did switch to the copy, the copy is no longer announced, so this does not delete it.
    await discard().catch(() => undefined)
    throw error
  }
  await discard()
  return 'gone'
}

/** The objects in the old store: the file's object, and the key that a URL of its upload may write until it expires. */
function leftBehind(o: MoveOptions, file: FileRecord, urlExpiresAt: Date | null) {
  const { versionId, ...ref } = file.object
  const object = { ...ref, ...(versionId === undefined ? {} : { versionId }) }
  const issued = { bucket: ref.bucket, key: file.key }
  const afterGrace = o.now().getTime() + o.grace * 1000
  const removableAt = new Date(Math.max(afterGrace, (urlExpiresAt?.getTime() ?? 0) + 1000))
  const until = (at: { bucket: string; key: string }): Date | null =>
    !o.endPublicUrls && file.visibility === 'public' && hasPublicUrl(o.from, at) ? null : removableAt
  const objects = issued.key === ref.key ? [object] : [object, issued]
  return objects.map((one) => ({ id: randomUUID(), object: one, removableAt: until(one) }))
}

const hasPublicUrl = (driver: StorageDriver, ref: { bucket: string; key: string }): boolean =>
  driver.publicUrl({ bucket: ref.bucket, key: ref.key }) !== null

async function isStillThere({ catalog }: MoveOptions, file: FileRecord): Promise<boolean> {
  const now = (await catalog.findUpload(file.owner, { id: file.id }))?.file
  return now?.status === 'confirmed' && now.store === file.store && now.object.key === file.object.key
}

/** Whether a retry may succeed. It cannot for damaged or missing bytes. */
export const mayPass = (error: unknown): boolean =>
  !isStorageError(error, 'NotFound', 'Corrupt', 'AccessDenied', 'NoSuchBucket', 'InsufficientStorage', 'NotSupported')
