/**
 * Executes the lifecycle rules of buckets. One pass over the keys of a bucket evaluates all its rules. Other requests get
 * their turn after each page and each time slice. The job that deletes rows checks rules and rows again, because a client
 * may have changed them since.
 */
import { scheduler } from 'node:timers/promises'
import { timeSlices } from '../../../time-slices.ts'
import { daysAfter, expiryOf, matchesRule, type LifecycleRule } from '../../lifecycle.ts'
import type { DiskContext } from '../context.ts'
import { parseTags, type ObjectRow } from '../object-rows.ts'
import type { Index } from '../open-index.ts'
import { textAfter, textRightAfter } from '../text-order.ts'
import { isProtected } from '../versions/object-locks.ts'
import type { VersionRow } from '../versions/version-rows.ts'
import { bucketRules, type BucketRules, type RuleSet } from './rule-set.ts'

/** Rows of a page, and rows that one transaction deletes. */
const pageSize = 200

export type LifecycleCounts = { expired: number; noncurrent: number; markers: number; uploads: number }

type ObjectFacts = Pick<ObjectRow, 'key' | 'size' | 'tags' | 'modified_at' | 'version' | 'content' | 'parts'>
type VersionFacts = Pick<
  VersionRow,
  'key' | 'version' | 'nth' | 'size' | 'tags' | 'modified_at' | 'replaced_at' | 'content' | 'parts' | 'lock'
>
type Upload = { id: string; key: string; initiated_at: number }
/** `at`: the current time in milliseconds. `pause`: as of timeSlices. */
type Pass = { bucket: string; at: number; counts: LifecycleCounts; pause: () => Promise<void> }
type Range = { bucket: string; from: string; below: string | Buffer }
/** A page after the row `last`, or the first page. */
type ReadPage<Row> = (range: Range, last: Row | undefined) => Row[]
/** What is known of a key during the pass. `marker`: its current delete marker, if it is due. */
type KeySeen = { key: string; isHidden: boolean; rows: number; kept: number; marker: VersionFacts | undefined }

const objectFacts = 'key, size, tags, modified_at, version, content, parts'
const versionFacts = 'key, version, nth, size, tags, modified_at, replaced_at, content, parts, lock'

export class Lifecycle {
  readonly #ctx: DiskContext
  readonly #isStopped: () => boolean
  readonly #buckets
  readonly #rules
  readonly #objects
  readonly #versions
  readonly #restOfKey
  readonly #newer
  readonly #older
  readonly #uploads
  readonly #openUpload
  readonly #parts
  #parsed: { text: string; rules: BucketRules } | undefined

  constructor(ctx: DiskContext, db: Index, isStopped: () => boolean) {
    this.#ctx = ctx
    this.#isStopped = isStopped
    this.#buckets = db
      .prepare<[string], string>(
        `SELECT name FROM buckets WHERE configuration ->> 'lifecycle' IS NOT NULL AND name <> ? ORDER BY name`,
      )
      .pluck()
    this.#rules = db
      .prepare<[string], string | null>(
        "SELECT configuration -> 'lifecycle' FROM buckets WHERE name = ? AND configuration IS NOT NULL",
      )
      .pluck()
    const inRange = 'bucket = @bucket AND key >= @from AND key < @below'
    this.#objects = db.prepare<[Range], ObjectFacts>(
      `SELECT ${objectFacts} FROM objects WHERE ${inRange} ORDER BY key LIMIT ${pageSize}`,
    )
    this.#versions = db.prepare<[Range], VersionFacts>(
      `SELECT ${versionFacts} FROM versions WHERE ${inRange} ORDER BY key, nth DESC LIMIT ${pageSize}`,
    )
    this.#restOfKey = db.prepare<[string, string, number], VersionFacts>(
      `SELECT ${versionFacts} FROM versions WHERE bucket = ? AND key = ? AND nth < ? ORDER BY nth DESC LIMIT ${pageSize}`,
    )
    this.#newer = db
      .prepare<[string, string, number, number], number>(
        'SELECT count(*) FROM (SELECT 1 FROM versions WHERE bucket = ? AND key = ? AND nth > ? LIMIT ?)',
      )
      .pluck()
    this.#older = db
      .prepare<[string, string, number], 1>('SELECT 1 FROM versions WHERE bucket = ? AND key = ? AND nth < ? LIMIT 1')
      .pluck()
    this.#uploads = db.prepare<[Range & { id: string }], Upload>(
      `SELECT id, key, initiated_at FROM uploads
        WHERE completed_at IS NULL AND bucket = @bucket AND (key, id) > (@from, @id) AND key < @below
        ORDER BY key, id LIMIT ${pageSize}`,
    )
    this.#openUpload = db.prepare<[string], 1>('SELECT 1 FROM uploads WHERE id = ? AND completed_at IS NULL').pluck()
    this.#parts = db.prepare<[string], number>('SELECT count(*) FROM parts WHERE upload = ?').pluck()
  }

  /** Leaves out the gateway's bucket. Ends early when stopped. */
  async run(): Promise<LifecycleCounts> {
    const counts: LifecycleCounts = { expired: 0, noncurrent: 0, markers: 0, uploads: 0 }
    const at = this.#ctx.now().getTime()
    const pause = timeSlices()
    for (const bucket of this.#buckets.all(this.#ctx.gatewayBucket)) {
      const pass = { bucket, at, counts, pause }
      await this.#expireObjects(pass)
      await this.#expireVersions(pass)
      await this.#abortUploads(pass)
    }
    return counts
  }

  async #expireObjects(pass: Pass): Promise<void> {
    const batch = new Batch<ObjectFacts>((rows) => this.#removeObjects(pass, rows))
    const read: ReadPage<ObjectFacts> = (range, last) =>
      this.#objects.all(last ? { ...range, from: textRightAfter(last.key) } : range)
    for await (const { row, rules } of this.#rows(pass, 'current', read)) {
      if (isObjectDue(rules, row, pass.at)) await batch.add(row, row.parts)
    }
    await batch.end()
  }

  async #removeObjects({ bucket, at, counts }: Pass, rows: ObjectFacts[]): Promise<void> {
    if (this.#isStopped()) return
    const { objects, versions, buckets, queue } = this.#ctx
    counts.expired += await queue.run(() => {
      const rules = this.#rulesOf(bucket)?.current
      const state = buckets.versioning(bucket)
      let removed = 0
      for (const { key, version, content } of rows) {
        const row = objects.find({ bucket, key })
        if (!rules || row?.version !== version || row.content !== content || !isObjectDue(rules, row, at)) continue
        if (state !== null) versions.mark({ bucket, key }, state, at)
        else objects.remove(row, at)
        removed++
      }
      return removed
    })
  }

  /** Expires noncurrent versions, and then delete markers without other versions. */
  async #expireVersions(pass: Pass): Promise<void> {
    const { bucket, at } = pass
    const batch = new Batch<VersionFacts>((rows) => this.#removeVersions(pass, rows))
    let seen: KeySeen | undefined
    const endKey = async (): Promise<void> => {
      if (seen?.marker && seen.kept === 0) await batch.add(seen.marker, 0)
    }
    const read: ReadPage<VersionFacts> = (range, last) => {
      if (!last) return this.#versions.all(range)
      const rest = this.#restOfKey.all(bucket, last.key, last.nth)
      if (rest.length === pageSize) return rest
      return [...rest, ...this.#versions.all({ ...range, from: textRightAfter(last.key) })]
    }
    for await (const { row, rules } of this.#rows(pass, 'versions', read)) {
      const { key } = row
      if (seen?.key !== key) {
        await endKey()
        seen = { key, isHidden: !this.#hasObject(bucket, key), rows: 0, kept: 0, marker: undefined }
      }
      const age = seen.rows++ - (seen.isHidden ? 1 : 0)
      if (age < 0) seen.marker = isMarkerDue(rules, row, at) ? row : undefined
      else if (isVersionDue(rules, row, age, at)) await batch.add(row, row.parts)
      else seen.kept++
    }
    await endKey()
    await batch.end()
  }

  async #removeVersions({ bucket, at, counts }: Pass, rows: VersionFacts[]): Promise<void> {
    if (this.#isStopped()) return
    const { versions, queue } = this.#ctx
    const removed = await queue.run(() => {
      const rules = this.#rulesOf(bucket)?.versions
      const due: VersionRow[] = []
      for (const { key, version } of rows) {
        const row = versions.find({ bucket, key }, version)
        if (!rules || !row || !this.#isStillDue(rules, row, at)) continue
        versions.removeVersion({ bucket, key }, version, at)
        due.push(row)
      }
      return due
    })
    const markers = removed.filter(isMarker).length
    counts.markers += markers
    counts.noncurrent += removed.length - markers
  }

  #isStillDue(rules: RuleSet, row: VersionRow, at: number): boolean {
    const { bucket, key, nth } = row
    const newer = this.#newer.get(bucket, key, nth, rules.keep + 1)!
    const age = newer - (this.#hasObject(bucket, key) ? 0 : 1)
    if (age >= 0) return isVersionDue(rules, row, age, at)
    return this.#older.get(bucket, key, nth) === undefined && isMarkerDue(rules, row, at)
  }

  async #abortUploads(pass: Pass): Promise<void> {
    const { bucket, at, counts } = pass
    const isDue = (rules: RuleSet, { key, initiated_at: begun }: Upload): boolean =>
      rules.some(key, ({ abortUploadsAfter: days }) => daysAfter(begun, days!) <= at)
    const batch = new Batch<Upload>(async (rows) => {
      if (this.#isStopped()) return
      counts.uploads += await this.#ctx.queue.run(() => {
        const rules = this.#rulesOf(bucket)?.uploads
        const open = rows.filter((row) => rules && isDue(rules, row) && this.#openUpload.get(row.id) !== undefined)
        for (const { id } of open) this.#ctx.uploads.remove(id, at)
        return open.length
      })
    })
    const read: ReadPage<Upload> = (range, last) =>
      this.#uploads.all({ ...range, from: last?.key ?? range.from, id: last?.id ?? '' })
    for await (const { row, rules } of this.#rows(pass, 'uploads', read)) {
      if (isDue(rules, row)) await batch.add(row, this.#parts.get(row.id)!)
    }
    await batch.end()
  }

  /** The rows that rules of this kind can apply to, ordered by key. Rules are read again for each page. */
  async *#rows<Row>(
    { bucket, pause }: Pass,
    kind: keyof BucketRules,
    read: ReadPage<Row>,
  ): AsyncGenerator<{ row: Row; rules: RuleSet }> {
    for (const prefix of this.#rulesOf(bucket)?.[kind].prefixes ?? []) {
      const range = { bucket, from: prefix, below: textAfter(prefix) }
      let last: Row | undefined
      for (;;) {
        await scheduler.yield()
        const rules = this.#isStopped() ? undefined : this.#rulesOf(bucket)?.[kind]
        if (!rules) return
        const rows = read(range, last)
        for (const row of rows) {
          await pause()
          if (this.#isStopped()) return
          yield { row, rules }
        }
        if (rows.length < pageSize) break
        last = rows.at(-1)
      }
    }
  }

  #hasObject(bucket: string, key: string): boolean {
    return this.#ctx.objects.find({ bucket, key }) !== undefined
  }

  #rulesOf(bucket: string): BucketRules | null {
    const text = this.#rules.get(bucket) ?? null
    if (text === null) return null
    if (this.#parsed?.text !== text) this.#parsed = { text, rules: bucketRules(JSON.parse(text) as LifecycleRule[]) }
    return this.#parsed.rules
  }
}

/** Rows to delete in one transaction, with their parts. */
class Batch<Row> {
  readonly #commit: (rows: Row[]) => Promise<void>
  #rows: Row[] = []
  #size = 0

  constructor(commit: (rows: Row[]) => Promise<void>) {
    this.#commit = commit
  }

  async add(row: Row, parts: number): Promise<void> {
    this.#rows.push(row)
    this.#size += 1 + parts
    if (this.#size >= pageSize) await this.end()
  }

  async end(): Promise<void> {
    const rows = this.#rows
    this.#rows = []
    this.#size = 0
    if (rows.length > 0) await this.#commit(rows)
  }
}

function isObjectDue(rules: RuleSet, row: ObjectFacts, at: number): boolean {
  const described = describe(row)
  return rules.some(row.key, (rule) => {
    const expiry = expiryOf(rule, row.modified_at)
    return expiry !== null && expiry <= at && matchesRule(rule, described)
  })
}

/** `age`: the number of newer noncurrent versions of the key. */
function isVersionDue(rules: RuleSet, row: VersionFacts, age: number, at: number): boolean {
  if (isProtected(row.lock, at)) return false
  const described = describe(row)
  return rules.some(
    row.key,
    (rule) =>
      rule.noncurrent !== undefined &&
      age >= (rule.noncurrent.keep ?? 0) &&
      daysAfter(row.replaced_at, rule.noncurrent.days) <= at &&
      (isMarker(row) ? appliesToMarkers(rule) : matchesRule(rule, described)),
  )
}

/** Whether the current delete marker of a key without other versions expires. A rule with days also expires one of this age. */
function isMarkerDue(rules: RuleSet, row: VersionFacts, at: number): boolean {
  if (!isMarker(row)) return false
  return rules.some(row.key, (rule) => {
    const { deleteMarker, days } = rule.expiration ?? {}
    const isDue = deleteMarker === true || (days !== undefined && daysAfter(row.modified_at, days) <= at)
    return isDue && appliesToMarkers(rule)
  })
}

const isMarker = ({ content }: Pick<VersionRow, 'content'>): boolean => content === null

/** A delete marker has neither tags nor a size. */
const appliesToMarkers = ({ filter: { tags = {}, sizeAbove, sizeBelow } }: LifecycleRule): boolean =>
  sizeAbove === undefined && sizeBelow === undefined && Object.keys(tags).length === 0

/** Parses the tags at most once. */
function describe({ key, size, tags: text }: Pick<ObjectRow, 'key' | 'size' | 'tags'>) {
  let tags: Record<string, string> | undefined
  return {
    key,
    size,
    get tags(): Record<string, string> {
      return (tags ??= parseTags(text))
    },
  }
}
