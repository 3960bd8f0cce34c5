/**
 * Stores notes of files next to their objects. `postern rebuild-catalog` reads what the object itself does not contain.
 */
import type { Catalog, FileRecord } from '../../catalog/catalog.ts'
import type { ObjectNote, StorageDriver } from '../../drivers/driver.ts'
import type { ServiceDeps } from '../deps.ts'

export const noteOf = (file: FileRecord, confirmedAt: Date): ObjectNote => ({
  id: file.id,
  owner: file.owner,
  key: file.key,
  filename: file.filename,
  type: file.mimeType,
  visibility: file.visibility,
  metadata: file.metadata,
  createdAt: file.createdAt.toISOString(),
  confirmedAt: confirmedAt.toISOString(),
})

/** Best effort after a file has changed. The catalog is authoritative, and the note follows it. */
export async function noteFile(store: StorageDriver, file: FileRecord): Promise<void> {
  if (file.confirmedAt !== null) await store.noteObject?.(file.object, noteOf(file, file.confirmedAt))
}

/** Runs `noteFiles` once in the background for every open store. */
export function createNoting({ stores, catalog, log }: Pick<ServiceDeps, 'stores' | 'catalog' | 'log'>): {
  start(): void
  stop(): Promise<void>
} {
  const stopping = new AbortController()
  let running: Promise<unknown> = Promise.resolve()
  return {
    start() {
      running = Promise.all(stores.all.map((store) => noteFiles(store, catalog, stopping.signal))).catch(
        (err: unknown) => log.warn({ err }, 'could not store the notes of files; the next start retries'),
      )
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}

/** Stores the notes of files that a version without notes confirmed. */
export async function noteFiles(
  store: StorageDriver,
  catalog: Pick<Catalog, 'filesIn'>,
  signal: AbortSignal,
): Promise<void> {
  if (store.lacksNotes?.() !== true) return
  for (let after: string | undefined; !signal.aborted;) {
    const page = await catalog.filesIn(store.name, { limit: 100, ...(after !== undefined && { after }) })
    await Promise.all(page.map(({ file }) => noteFile(store, file)))
    after = page.at(-1)?.file.id
    if (after === undefined) return
  }
}

/** Builds the record of a confirmed file from its sealed object and its note. */
export function fileFromNote(
  note: ObjectNote,
  { bucket, key, etag, size, checksum }: FileRecord['object'] & { size: number; checksum: FileRecord['checksum'] },
  store: FileRecord['store'],
): FileRecord {
  return {
    id: note.id,
    owner: note.owner,
    store,
    key: note.key,
    object: { bucket, key, ...(etag !== undefined && { etag }) },
    filename: note.filename,
    mimeType: note.type,
    size,
    checksum,
    visibility: note.visibility,
    metadata: note.metadata,
    status: 'confirmed',
    createdAt: new Date(note.createdAt),
    confirmedAt: new Date(note.confirmedAt),
  }
}
