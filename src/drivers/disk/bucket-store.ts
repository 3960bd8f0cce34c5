import { StorageError } from '../../errors.ts'
import type {
  BucketChange,
  BucketConfiguration,
  BucketInfo,
  BucketStore,
  Acl,
  CorsRule,
  Versioning,
} from '../driver.ts'
import { aclText, parseAcl } from './acl-text.ts'
import type { DiskContext } from './context.ts'
import type { Index } from './open-index.ts'
import { assertBucketName, assertBucketTags, assertKey } from '../rules.ts'
import { compareText, textAfter, textRightAfter } from './text-order.ts'
import { demandObject } from './versions/find-version.ts'

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

export function createBucketStore(ctx: DiskContext): BucketStore {
  const { buckets, uploads, queue, now } = ctx
  return {
    createBucket: async (bucket, o) => {
      assertBucketName(bucket)
      assertBucketTags(o.configuration?.tags ?? {})
      return queue.run(() => {
        const added = buckets.add(bucket, o.owner, now(), o.acl ?? 'private', o.configuration)
        const row = buckets.demand(bucket)
        if (added) return toInfo(row)
        const mine = row.owner === o.owner
        throw new StorageError(mine ? 'BucketAlreadyOwnedByYou' : 'BucketAlreadyExists', {
          message: mine
            ? 'Your previous request to create the named bucket succeeded and you already own it.'
            : 'The requested bucket name is not available.',
          resource: `/${bucket}`,
          details: { BucketName: bucket },
        })
      })
    },

    headBucket: async (bucket) => toInfo(buckets.demand(bucket)),

    deleteBucket: (bucket) =>
      queue.run(() => {
        buckets.demand(bucket)
        if (buckets.hasObjects(bucket))
          throw new StorageError('BucketNotEmpty', {
            message: 'The bucket you tried to delete is not empty',
            resource: `/${bucket}`,
            details: { BucketName: bucket },
          })
        uploads.removeBucket(bucket, now().getTime())
        buckets.remove(bucket)
      }),

    listBuckets: async (o) => {
      const prefix = o.prefix ?? ''
      const after = o.after === undefined ? '' : textRightAfter(o.after)
      const from = compareText(after, prefix) > 0 ? after : prefix
      return buckets.list(o.owner, from, textAfter(prefix), o.max ?? 10_000).map(toInfo)
    },

    setBucketCors: (bucket, cors) =>
      queue.run(() => {
        buckets.demand(bucket)
        buckets.setCors(bucket, cors === null ? null : JSON.stringify(cors))
      }),

    setBucketAcl: (bucket, acl) =>
      queue.run(() => {
        buckets.demand(bucket)
        buckets.setAcl(bucket, acl)
      }),

    configureBucket: async (bucket, change) => {
      assertBucketTags(change.tags ?? {})
      await queue.run(() => {
        const { configuration } = toInfo(buckets.demand(bucket))
        const after = changed(configuration, change)
        assertLockKept(configuration, after)
        buckets.setConfiguration(bucket, after)
      })
    },

    setObjectAcl: async (ref, acl, o = {}) => {
      assertKey(ref)
      await queue.run(() => ctx.versions.change(demandObject(ctx, ref, o.versionId), { acl: aclText(acl) }))
    },
  }
}

const toInfo = (row: BucketRow): BucketInfo => ({
  bucket: row.name,
  owner: row.owner,
  createdAt: new Date(row.created_at),
  acl: parseAcl(row.acl),
  cors: row.cors === null ? null : (JSON.parse(row.cors) as CorsRule[]),
  configuration: row.configuration === null ? {} : (JSON.parse(row.configuration) as BucketConfiguration),
})

/** Object lock stays, and needs versions. */
function assertLockKept(before: BucketConfiguration, after: BucketConfiguration): void {
  const refuse = (message: string): never => {
    throw new StorageError('InvalidBucketState', { message })
  }
  if (before.objectLock && !after.objectLock) refuse('Object Lock cannot be disabled')
  if (!after.objectLock || after.versioning === 'Enabled') return
  if (before.objectLock) {
    refuse('An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.')
  }
  refuse("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
}

const changed = (before: BucketConfiguration, change: BucketChange): BucketConfiguration =>
  Object.fromEntries(Object.entries({ ...before, ...change }).filter(([, value]) => value !== null))

const toJson = (configuration: BucketConfiguration): string | null =>
  Object.keys(configuration).length === 0 ? null : JSON.stringify(configuration)
