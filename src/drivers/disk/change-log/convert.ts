/** `postern store convert --to 2`: converts the index to version 2, which has no log. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabaseFile } from '../../../sqlite-file.ts'
import { isThere } from '../../../cannot-open.ts'
import { StorageError } from '../../../errors.ts'
import type { Index } from '../open-index.ts'
import { dropUsageTables } from '../quota/usage.ts'
import { openOffline, setAside } from './offline.ts'
import { BlobLayout } from '../blob-layout.ts'

/** Versions without bucket configuration must not open a restricted bucket, or misread an ACL. */
const closeRestricted = `
UPDATE objects SET acl = 'private' WHERE bucket IN (SELECT name FROM buckets WHERE configuration IS NOT NULL);
UPDATE buckets SET acl = 'private' WHERE configuration IS NOT NULL;
UPDATE objects SET acl = 'private' WHERE acl <> 'public-read';
UPDATE uploads SET acl = 'private' WHERE acl <> 'public-read';
UPDATE buckets SET acl = 'private' WHERE acl <> 'public-read';
`

/**
 * Can be interrupted and run again. The index changes in one synced transaction, and then the log is moved to
 * `quarantine/`. Returns the new path of the log. Errors: NotFound if there is no index, InvalidRequest if a bucket
 * keeps versions.
 */
export async function convertToVersion2(root: string): Promise<{ logAt: string | null }> {
  const layout = new BlobLayout(root)
  const { index } = layout
  if (!isThere(index))
    throw new StorageError('NotFound', { message: `There is no store at ${root}: index.sqlite is missing.` })
  if (versionOf(index) > 2) {
    const { db, queue, close } = await openOffline({ root, index })
    try {
      queue.catchUp()
      assertNoVersions(db)
      db.pragma('synchronous = FULL')
      queue.fromLog(() =>
        db
          .transaction(() => {
            db.exec('DROP TABLE applied')
            db.exec('DROP TABLE paired')
            db.exec('DROP INDEX unnoted_objects')
            db.exec('ALTER TABLE objects DROP COLUMN note')
            db.exec(closeRestricted)
            db.exec('ALTER TABLE buckets DROP COLUMN configuration')
            db.exec('DROP TABLE versions')
            for (const column of ['version', 'nth', 'lock']) db.exec(`ALTER TABLE objects DROP COLUMN ${column}`)
            db.exec('ALTER TABLE uploads DROP COLUMN initiation')
            // Must be last: triggers of this connection use these tables, and ALTER TABLE checks all triggers.
            db.exec(dropUsageTables)
            db.pragma('user_version = 2')
          })
          .immediate(),
      )
    } finally {
      close()
    }
  }
  const folder = layout.log
  const packs = isThere(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
  return { logAt: setAside(root, 'log', packs) }
}

/** Older versions of Postern would lose the versions and overwrite data that must be kept. */
function assertNoVersions(db: Index): void {
  const row = db
    .prepare<[], { bucket: string }>(
      `SELECT bucket FROM versions UNION ALL SELECT bucket FROM objects WHERE version <> 'null' OR lock IS NOT NULL
        UNION ALL SELECT name FROM buckets WHERE configuration ->> 'versioning' IS NOT NULL LIMIT 1`,
    )
    .get()
  if (!row) return
  throw new StorageError('InvalidRequest', {
    message:
      `The bucket ${row.bucket} keeps versions of its objects, and store version 2 does not support them. Copy what you need to a ` +
      'bucket without versioning, delete the bucket, then run this command again.',
  })
}

function versionOf(file: string): number {
  const db = openDatabaseFile(file, { readonly: true, timeout: 5000 })
  try {
    return Number(db.pragma('user_version', { simple: true }))
  } finally {
    db.close()
  }
}
