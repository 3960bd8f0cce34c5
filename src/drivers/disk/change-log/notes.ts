/** Reads the files of a store: sealed objects with the notes that were stored at confirmation. */
import type { Checksum, ObjectNote, ObjectRef } from '../../objects.ts'
import { parseChecksum } from '../object-rows.ts'
import type { PairedStore } from '../../driver.ts'
import { openOffline } from './offline.ts'
import { fitOf, Pairing } from './pairing.ts'
import { BlobLayout } from '../blob-layout.ts'

export type NotedObject = ObjectRef & { etag: string; size: number; checksum: Checksum | null; note: ObjectNote }

type Row = ObjectRef & { etag: string; size: number; checksum: string | null; note: string | null }

export type ReadNotes = {
  storeId: string
  /** Number of sealed objects from versions that stored no notes. */
  unnoted: number
  /** Can be called only while the store is open. */
  has: (ref: ObjectRef) => boolean
  paired: PairedStore
}

/** First applies the log to the index. Calls `use` with the files while the store is still open. */
export async function readNotes<T>(
  root: string,
  o: { begin: (storeId: string) => Promise<void>; each: (object: NotedObject) => Promise<void> },
  use: (read: ReadNotes) => Promise<T>,
): Promise<T> {
  const { db, queue, close } = await openOffline({ root, index: new BlobLayout(root).index })
  try {
    const { store } = queue.catchUp()
    await o.begin(store)
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
          await o.each({ ...row, checksum: checksum === null ? null : parseChecksum(checksum), note: noted })
        }
      }
    }
    const pairing = new Pairing(db)
    const object = db.prepare<[string, string], 1>('SELECT 1 FROM objects WHERE bucket = ? AND key = ?')
    return await use({
      storeId: store,
      unnoted,
      has: ({ bucket, key }) => object.get(bucket, key) !== undefined,
      paired: {
        generation: () => pairing.read(),
        fit: (catalog) => fitOf(catalog, pairing.read()),
        enterGeneration: (generation) => queue.run(() => pairing.enter(generation)),
      },
    })
  } finally {
    close()
  }
}
