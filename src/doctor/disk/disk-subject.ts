import type { Catalog } from '../../catalog/catalog.ts'
import type { Check } from '../check.ts'

export type DiskSubject = {
  /** `storage.disk.path`. */
  folder: string
  /** Whether objects lie there; else only secrets and, by default, the catalog do. */
  holdsObjects: boolean
  minFree: number
  fsync: 'full' | 'none'
  /** The newest version of the object index that this program knows. */
  indexVersion: number
  /** The migrations that this program knows, by name. */
  catalogVersions: readonly string[]
  /** The file of a SQLite catalog; null: another kind of database. */
  catalogFile: string | null
  /** Opens the catalog without touching its schema. */
  openCatalog: () => Promise<Pick<Catalog, 'checkReady' | 'migrationStatus' | 'close'>>
}

export type DiskCheck = Check<DiskSubject>
