/**
 * Executes the lifecycle rules of buckets. Candidates are read in pages. The job that deletes one checks it again,
 * because a client may have written since.
 */
import { daysAfter, expiryOf, matchesRule, type LifecycleRule } from '../../lifecycle.ts'
import type { DiskContext } from '../context.ts'
import { parseTags } from '../object-rows.ts'
import type { Index } from '../open-index.ts'
import { textAfter, textRightAfter } from '../text-order.ts'
import { isProtected } from '../versions/object-locks.ts'
import { isMarker, versionColumns, type VersionRow } from '../versions/version-rows.ts'

const pageSize = 500

export type LifecycleCounts = { expired: number; noncurrent: number; markers: number; uploads: number }

type Bucket = { name: string; lifecycle: string }
type ObjectFacts = { key: string; size: number; tags: string; modified_at: number; version: string; content: string }
type Upload = { id: string; key: string; initiated_at: number }
/** A run for one bucket and one rule. `at` is the current time in milliseconds. */
type Run = { bucket: string; rule: LifecycleRule; at: number; counts: LifecycleCounts }
type Page = { bucket: string; from: string | Buffer; below: string | Buffer }

export class Lifecycle {
  readonly #ctx: DiskContext
  readonly #isStopped: () => boolean
  readonly #buckets
  readonly #objects
  readonly #versions
  readonly #ofKey
  readonly #uploads
  readonly #openUpload

  constructor(ctx: DiskContext, db: Index, isStopped: () => boolean) {
    this.#ctx = ctx
    this.#isStopped = isStopped
    this.#buckets = db.prepare<[], Bucket>(
      `SELECT name, configuration -> 'lifecycle' AS lifecycle FROM buckets
        WHERE configuration ->> 'lifecycle' IS NOT NULL ORDER BY name`,
    )
    this.#objects = db.prepare<[Page], ObjectFacts>(
      `SELECT key, size, tags, modified_at, version, content FROM objects
        WHERE bucket = @bucket AND key >= @from AND key < @below ORDER BY key LIMIT ${pageSize}`,
    )
    this.#versions = db.prepare<[Page], { key: string }>(
      `SELECT DISTINCT key FROM versions
        WHERE bucket = @bucket AND key >= @from AND key < @below ORDER BY key LIMIT ${pageSize}`,
    )
    this.#ofKey = db.prepare<[string, string], VersionRow>(
      `SELECT ${versionColumns} FROM versions WHERE bucket = ? AND key = ? ORDER BY nth DESC`,
    )
    this.#uploads = db.prepare<[Page], Upload>(
      `SELECT id, key, initiated_at FROM uploads
        WHERE completed_at IS NULL AND bucket = @bucket AND key >= @from AND key < @below`,
    )
    this.#openUpload = db.prepare<[string], 1>('SELECT 1 FROM uploads WHERE id = ? AND completed_at IS NULL').pluck()
  }

  async run(): Promise<LifecycleCounts> {
    const counts: LifecycleCounts = { expired: 0, noncurrent: 0, markers: 0, uploads: 0 }
    const at = this.#ctx.now().getTime()
    for (const { name, lifecycle } of this.#buckets.all()) {
      for (const rule of JSON.parse(lifecycle) as LifecycleRule[]) {
        if (!rule.isEnabled) continue
        const run = { bucket: name, rule, at, counts }
        if (rule.expiration) await this.#expireObjects(run)
        if (rule.noncurrent || rule.expiration) await this.#expireVersions(run)
        if (rule.abortUploadsAfter !== undefined) await this.#abortUploads(run)
      }
    }
    return counts
  }

  async #expireObjects({ bucket, rule, at, counts }: Run): Promise<void> {
    const { objects, versions, buckets, queue } = this.#ctx
    const isDue = (row: ObjectFacts): boolean => {
      const expiry = expiryOf(rule, row.modified_at)
      return expiry !== null && expiry <= at && matchesRule(rule, { ...row, tags: parseTags(row.tags) })
    }
    for (const rows of this.#pages<ObjectFacts>(rule, bucket, (page) => this.#objects.all(page))) {
      const due = rows.filter(isDue)
      if (due.length === 0) continue
      counts.expired += await queue.run(() => {
        const state = buckets.versioning(bucket)
        const still = due.filter(({ key, version, content }) => {
          const row = objects.find({ bucket, key })
          return row?.version === version && row.content === content && isDue(row)
        })
        for (const { key } of still) {
          if (state !== null) versions.mark({ bucket, key }, state, at)
          else objects.remove(objects.find({ bucket, key })!, at)
        }
        return still.length
      })
    }
  }

  /** Expires noncurrent versions, and delete markers without other versions. */
  async #expireVersions({ bucket, rule, at, counts }: Run): Promise<void> {
    for (const keys of this.#pages<{ key: string }>(rule, bucket, (page) => this.#versions.all(page))) {
      const isDue = keys.filter(({ key }) => this.#dueOfKey({ bucket, rule, at, counts }, key).length > 0)
      if (isDue.length === 0) continue
      await this.#ctx.queue.run(() => {
        for (const { key } of isDue) {
          for (const row of this.#dueOfKey({ bucket, rule, at, counts }, key)) {
            this.#ctx.versions.removeVersion({ bucket, key }, row.version, at)
            if (isMarker(row)) counts.markers++
            else counts.noncurrent++
          }
        }
      })
    }
  }

  #dueOfKey({ bucket, rule, at }: Run, key: string): VersionRow[] {
    const rows = this.#ofKey.all(bucket, key)
    const isHidden = this.#ctx.objects.find({ bucket, key }) === undefined
    const [newest] = rows
    if (!newest) return []
    // A current delete marker expires if its key has no other version.
    if (isHidden && rows.length === 1) return isMarker(newest) && isExpiredMarker(rule, newest, at) ? [newest] : []
    const { noncurrent } = rule
    if (!noncurrent) return []
    return (isHidden ? rows.slice(1) : rows)
      .slice(noncurrent.keep ?? 0)
      .filter((row) => daysAfter(row.replaced_at, noncurrent.days) <= at && !isProtected(row.lock, at))
      .filter((row) => matchesRule(rule, { ...row, tags: parseTags(row.tags) }))
  }

  async #abortUploads({ bucket, rule, at, counts }: Run): Promise<void> {
    const { prefix = '' } = rule.filter
    const all = this.#uploads.all({ bucket, from: prefix, below: textAfter(prefix) })
    const due = all.filter(({ initiated_at: begun }) => daysAfter(begun, rule.abortUploadsAfter!) <= at)
    for (let i = 0; i < due.length && !this.#isStopped(); i += pageSize) {
      counts.uploads += await this.#ctx.queue.run(() => {
        const open = due.slice(i, i + pageSize).filter(({ id }) => this.#openUpload.get(id) !== undefined)
        for (const { id } of open) this.#ctx.uploads.remove(id, at)
        return open.length
      })
    }
  }

  /** Rows below the prefix of the rule, ordered by key. */
  *#pages<Row extends { key: string }>(
    rule: LifecycleRule,
    bucket: string,
    read: (page: Page) => Row[],
  ): Generator<Row[]> {
    const { prefix = '' } = rule.filter
    const below = textAfter(prefix)
    let from: string | Buffer = prefix
    while (!this.#isStopped()) {
      const rows = read({ bucket, from, below })
      if (rows.length > 0) yield rows
      if (rows.length < pageSize) return
      from = textRightAfter(rows.at(-1)!.key)
    }
  }
}

/** A rule with days also expires a delete marker of this age. */
function isExpiredMarker(rule: LifecycleRule, marker: VersionRow, at: number): boolean {
  const { expiration } = rule
  if (expiration?.deleteMarker === true) return true
  return expiration?.days !== undefined && daysAfter(marker.modified_at, expiration.days) <= at
}
