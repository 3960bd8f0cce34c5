import { existsSync } from 'node:fs'
import { openDatabaseFile } from '../../../sqlite-file.ts'
import type { OwnerUsage } from '../../driver.ts'
import { BlobLayout } from '../blob-layout.ts'
import { schemaVersion } from '../open-index.ts'
import { UsageRows } from './usage.ts'

/** Works next to a running server. null if there is no index, or if it has another version. */
export function readOwnerUsage(folder: string): OwnerUsage[] | null {
  const file = new BlobLayout(folder).index
  if (!existsSync(file)) return null
  const db = openDatabaseFile(file, { readonly: true, timeout: 5000 })
  try {
    return db.pragma('user_version', { simple: true }) === schemaVersion ? new UsageRows(db).all() : null
  } finally {
    db.close()
  }
}
