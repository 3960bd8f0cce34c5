/** Moves all confirmed files from one store to another while both are in use. Can be repeated after any failure. */
import type { Upload } from '../catalog/catalog.ts'
import { isStorageError } from '../errors.ts'
import { removeMoved } from '../service/stores/remove-moved.ts'
import { mayPass, moveFile, type MoveOptions } from './move-file.ts'
import { createStores } from '../service/stores/stores.ts'

export type Failure = { id: string; owner: string; key: string; size: number | null; error: string }
/** `gone` were deleted before they were moved. `stopped` is true if too many files in a row failed. */
export type Migrated = {
  files: number
  bytes: number
  gone: number
  failed: Failure[]
  stopped: boolean
}

const page = 500
/** Consecutive failures after which the store counts as down. */
const patience = 20

/** Errors: those of the catalog. A file that cannot be moved is listed in `failed` and stays in the old store. */
export async function migrateFiles(o: MoveOptions & { concurrency: number }): Promise<Migrated> {
  const result: Migrated = { files: 0, bytes: 0, gone: 0, failed: [], stopped: false }
  const failed = new Set<string>()
  let failures = 0

  // Deletes the incomplete copies of a run that was killed. No other process copies now.
  const both = { stores: createStores(o.to, [o.from]), catalog: o.catalog, log: o.log }
  await removeMoved(both, { copies: true }, { signal: o.signal })

  async function move(upload: Upload): Promise<void> {
    const { id, owner, key, size } = upload.file
    try {
      const outcome = await moveFile(o, upload)
      failures = 0
      if (outcome === 'gone') result.gone++
      else {
        result.files++
        result.bytes += size ?? 0
      }
    } catch (error) {
      if (o.signal.aborted) throw error
      // A problem with one file does not mean that the store is down.
      if (mayPass(error)) failures++
      failed.add(id)
      result.failed.push({ id, owner, key, size, error: reason(error) })
    }
  }

  async function pass(): Promise<number> {
    let seen = 0
    for (let after: string | undefined; ;) {
      const uploads = await o.catalog.filesIn(o.from.name, { limit: page, ...(after !== undefined && { after }) })
      if (uploads.length === 0) return seen
      after = uploads.at(-1)!.file.id
      const waiting = uploads.filter(({ file }) => !failed.has(file.id))
      seen += waiting.length
      await Promise.allSettled(
        Array.from({ length: o.concurrency }, async () => {
          for (let next = waiting.shift(); next; next = waiting.shift()) {
            if (o.signal.aborted || failures >= patience) return
            await move(next)
          }
        }),
      )
      // All running moves have cleaned up.
      o.signal.throwIfAborted()
      if (failures >= patience) {
        result.stopped = true
        return 0
      }
    }
  }

  // Repeat, because uploads to the old store may have been confirmed during the last pass.
  while ((await pass()) > 0);
  return result
}

function reason(error: unknown): string {
  if (isStorageError(error, 'NotFound')) return 'NotFound: the object of this file is not in the store'
  const { message, code } = error as Error & { code?: string }
  return code === undefined ? message : `${code}: ${message}`
}
