import type { MultipartStore, ObjectRef, ObjectStore } from '../driver.ts'
import type { DiskContext } from './context.ts'
import type { Index } from './open-index.ts'

/** Uploads per page. */
const pageSize = 100

const isIdle = `completed_at IS NULL AND initiated_at < @since
  AND NOT EXISTS (SELECT 1 FROM parts WHERE upload = uploads.id AND modified_at >= @since)`

type IdleUpload = ObjectRef & { id: string }

/** Leaves out the gateway's bucket, where uploads expire by the catalog. */
export function createIdleUploads(
  { uploads, queue, gatewayBucket, now }: DiskContext,
  db: Index,
  { isBeingWritten }: Pick<ObjectStore, 'isBeingWritten'>,
): Required<Pick<MultipartStore, 'abortIdleUploads'>> {
  const page = db.prepare<[{ since: number; after: string; gatewayBucket: string }], IdleUpload>(
    `SELECT id, bucket, key FROM uploads WHERE id > @after AND bucket <> @gatewayBucket AND ${isIdle}
      ORDER BY id LIMIT ${pageSize}`,
  )
  const isStillIdle = db.prepare<[{ since: number; id: string }], 1>(
    `SELECT 1 FROM uploads WHERE id = @id AND ${isIdle}`,
  )

  async function abort({ id, ...ref }: IdleUpload, since: number): Promise<boolean> {
    // A part that is being uploaded counts as activity, but its row is created at its end.
    if (await isBeingWritten(ref)) return false
    return queue.run(() => {
      if (isStillIdle.get({ since, id }) === undefined) return false
      uploads.remove(id, now().getTime())
      return true
    })
  }

  return {
    async abortIdleUploads({ idleSince, remove, signal }) {
      const since = idleSince.getTime()
      let counted = 0
      for (let after = ''; ;) {
        const found = page.all({ since, after, gatewayBucket })
        for (const upload of found) {
          if (signal?.aborted) return counted
          if (!remove || (await abort(upload, since))) counted++
        }
        if (found.length < pageSize) return counted
        after = found.at(-1)!.id
      }
    },
  }
}
