/** The index's rows of buckets. */
import { StorageError } from '../../errors.ts'
import type { Acl, BucketConfiguration, Versioning } from '../driver.ts'
import { aclText } from './acl-text.ts'
import type { Index } from './open-index.ts'

export type BucketRow = {
  name: string
  owner: string
  created_at: number
  /** As of acl-text.ts. */
  acl: string
  cors: string | null
  /** JSON of a BucketConfiguration. null if nothing is configured. */
  configuration: string | null
}

export class BucketRows {
  readonly #find
  readonly #add
  readonly #remove
  readonly #setCors
  readonly #setAcl
  readonly #setConfiguration
  readonly #list
  readonly #hasObjects
  readonly #versioning
  readonly #objectLock

  constructor(db: Index) {
    this.#find = db.prepare<[string], BucketRow>('SELECT * FROM buckets WHERE name = ?')
    this.#add = db.prepare<[string, string, number, string, string | null]>(
      'INSERT OR IGNORE INTO buckets (name, owner, created_at, acl, configuration) VALUES (?, ?, ?, ?, ?)',
    )
    this.#remove = db.prepare<[string]>('DELETE FROM buckets WHERE name = ?')
    this.#setCors = db.prepare<[string | null, string]>('UPDATE buckets SET cors = ? WHERE name = ?')
    this.#setAcl = db.prepare<[string, string]>('UPDATE buckets SET acl = ? WHERE name = ?')
    this.#setConfiguration = db.prepare<[string | null, string]>('UPDATE buckets SET configuration = ? WHERE name = ?')
    this.#list = db.prepare<[string, string, string | Buffer, number], BucketRow>(
      'SELECT * FROM buckets WHERE owner = ? AND name >= ? AND name < ? ORDER BY name LIMIT ?',
    )
    this.#hasObjects = db.prepare<[string, string], { found: 1 }>(
      `SELECT 1 AS found WHERE EXISTS (SELECT 1 FROM objects WHERE bucket = ?)
        OR EXISTS (SELECT 1 FROM versions WHERE bucket = ?)`,
    )
    this.#objectLock = db
      .prepare<[string], string | null>(
        "SELECT configuration -> 'objectLock' FROM buckets WHERE name = ? AND configuration IS NOT NULL",
      )
      .pluck()
    this.#versioning = db
      .prepare<[string], Versioning | null>(
        "SELECT configuration ->> 'versioning' FROM buckets WHERE name = ? AND configuration IS NOT NULL",
      )
      .pluck()
  }

  find(name: string): BucketRow | undefined {
    return this.#find.get(name)
  }

  /** Throws NoSuchBucket. */
  demand(name: string): BucketRow {
    const row = this.#find.get(name)
    if (row) return row
    throw new StorageError('NoSuchBucket', {
      message: 'The specified bucket does not exist',
      resource: `/${name}`,
      details: { BucketName: name },
    })
  }

  /** false if a bucket of this name exists. */
  add(name: string, owner: string, at: Date, acl: Acl, configuration: BucketConfiguration = {}): boolean {
    return this.#add.run(name, owner, at.getTime(), aclText(acl), toJson(configuration)).changes === 1
  }

  remove(name: string): void {
    this.#remove.run(name)
  }

  /** Noncurrent versions and delete markers count. */
  hasObjects(name: string): boolean {
    return this.#hasObjects.get(name, name) !== undefined
  }

  /** null for a bucket without object lock. */
  objectLock(name: string): NonNullable<BucketConfiguration['objectLock']> | null {
    const text = this.#objectLock.get(name) ?? null
    return text === null ? null : (JSON.parse(text) as NonNullable<BucketConfiguration['objectLock']>)
  }

  /** null for a bucket that has never had versioning. */
  versioning(name: string): Versioning | null {
    return this.#versioning.get(name) ?? null
  }

  setCors(name: string, cors: string | null): void {
    this.#setCors.run(cors, name)
  }

  setAcl(name: string, acl: Acl): void {
    this.#setAcl.run(aclText(acl), name)
  }

  setConfiguration(name: string, configuration: BucketConfiguration): void {
    this.#setConfiguration.run(toJson(configuration), name)
  }

  list(owner: string, from: string, below: string | Buffer, max: number): BucketRow[] {
    return this.#list.all(owner, from, below, max)
  }
}

const toJson = (configuration: BucketConfiguration): string | null =>
  Object.keys(configuration).length === 0 ? null : JSON.stringify(configuration)
