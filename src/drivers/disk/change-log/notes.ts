/** Files as the store remembers them: sealed objects with the notes that were stored when they were confirmed. */
import type { Checksum, ObjectNote, ObjectRef } from '../../objects.ts'
import { parseChecksum } from '../object-rows.ts'
import { openOffline } from './offline.ts'
import { BlobLayout } from '../blob-layout.ts'

export type NotedObject = ObjectRef & { etag: string; size: number; checksum: Checksum | null; note: ObjectNote }

type Row = ObjectRef & { etag: string; size: number; checksum: string | null; note: string | null }

/** Brings the index up to the log first. `unnoted` counts sealed objects of versions that kept no notes. */
export async function readNotes(
  root: string,
  each: (object: NotedObject) => Promise<void>,
): Promise<{ storeId: string; unnoted: number }> {
  const { db, queue, close } = await openOffline({ root, index: new BlobLayout(root).index })
  try {
    const { store } = queue.catchUp()
    const page = db.prepare<[string, string], Row>(
      `SELECT bucket, key, etag, size, checksum, note FROM objects WHERE sealed = 1 AND (bucket, key) > (?, ?)
        ORDER BY bucket, key LIMIT 500`,
    )
    let unnoted = 0
    for (let rows = page.all('', ''); rows.length > 0; rows = page.all(rows.at(-1)!.bucket, rows.at(-1)!.key)) {
      for (const { checksum, note, ...row } of rows) {
        if (note === null) unnoted++
        else {
          const noted = JSON.parse(note) as ObjectNote
          await each({ ...row, checksum: checksum === null ? null : parseChecksum(checksum), note: noted })
        }
      }
    }
    return { storeId: store, unnoted }
  } finally {
    close()
  }
}
