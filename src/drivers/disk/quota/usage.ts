/**
 * Counts the objects and bytes of every bucket and owner. Triggers change the counts in the transaction that changes a
 * row, for every statement. The counts are derived: the log does not contain them, and a rebuild counts again.
 *
 * The triggers are temporary, so the index file contains only tables. A backup whose index has triggers is rejected.
 */
import type Database from 'better-sqlite3'
import type { OwnerUsage } from '../../driver.ts'

type Index = Database.Database

const columns = ['objects', 'bytes', 'uploads', 'part_bytes'] as const
type Counts = Record<(typeof columns)[number], number>

/**
 * A noncurrent version counts as an object with its bytes, a delete marker as an object without bytes. `uploads` and
 * `part_bytes` count unfinished multipart uploads. Rows with only zeros are deleted.
 */
export const usageTables = `
CREATE TABLE bucket_usage (
  bucket TEXT PRIMARY KEY, objects INTEGER NOT NULL, bytes INTEGER NOT NULL, uploads INTEGER NOT NULL,
  part_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE owner_usage (
  owner TEXT PRIMARY KEY, objects INTEGER NOT NULL, bytes INTEGER NOT NULL, uploads INTEGER NOT NULL,
  part_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`

export const dropUsageTables = 'DROP TABLE bucket_usage; DROP TABLE owner_usage'

const list = columns.join(', ')
const added = columns.map((column) => `${column} = ${column} + excluded.${column}`).join(', ')
const isNothing = columns.map((column) => `new.${column} = 0`).join(' AND ')
const counts = (row: string): string => columns.map((column) => `${row}.${column}`).join(', ')

/** `select` yields a name and the counts to add. */
const addTo = (table: 'bucket' | 'owner', select: string): string =>
  `INSERT INTO ${table}_usage (${table}, ${list}) ${select} ON CONFLICT (${table}) DO UPDATE SET ${added}`

const isOpen = (row: string): string => `(${row}.completed_at IS NULL)`

const addToBucket = (values: string): string => addTo('bucket', `VALUES (${values})`)

/** Counts an upload together with its parts. At its end, one statement subtracts them all before they are deleted. */
const addUpload = (row: string, by: string): string =>
  addTo(
    'bucket',
    `SELECT ${row}.bucket, 0, 0, ${by}, ${by} * coalesce(sum(size), 0) FROM parts WHERE upload = ${row}.id HAVING ${by} <> 0`,
  )

/** Parts of a completed upload do not count. */
const addPart = (upload: string, bytes: string): string =>
  addTo('bucket', `SELECT bucket, 0, 0, 0, ${bytes} FROM uploads WHERE id = ${upload} AND completed_at IS NULL`)

/** If the bucket has no row, its counts have no owner until it has one. */
const addToOwnerOf = (bucket: string, values: string): string =>
  addTo('owner', `SELECT owner, ${values} FROM buckets WHERE name = ${bucket}`)

const addBucketTo = (owner: string, bucket: string, values: string): string =>
  addTo('owner', `SELECT ${owner}, ${values} FROM bucket_usage AS counted WHERE bucket = ${bucket}`)

/** No statement changes the bucket, upload or name of a row. */
const triggers: Record<string, string> = {
  'INSERT ON objects': addToBucket('new.bucket, 1, new.size, 0, 0'),
  'UPDATE OF size ON objects': addToBucket('new.bucket, 0, new.size - old.size, 0, 0'),
  'DELETE ON objects': addToBucket('old.bucket, -1, -old.size, 0, 0'),
  'INSERT ON versions': addToBucket('new.bucket, 1, new.size, 0, 0'),
  'UPDATE OF size ON versions': addToBucket('new.bucket, 0, new.size - old.size, 0, 0'),
  'DELETE ON versions': addToBucket('old.bucket, -1, -old.size, 0, 0'),
  'INSERT ON uploads': addUpload('new', isOpen('new')),
  'UPDATE OF completed_at ON uploads': addUpload('new', `(${isOpen('new')} - ${isOpen('old')})`),
  'DELETE ON uploads': addUpload('old', `(-${isOpen('old')})`),
  'INSERT ON parts': addPart('new.upload', 'new.size'),
  'UPDATE OF size ON parts': addPart('new.upload', 'new.size - old.size'),
  'DELETE ON parts': addPart('old.upload', '-old.size'),
  'INSERT ON bucket_usage': addToOwnerOf('new.bucket', counts('new')),
  'UPDATE ON bucket_usage': addToOwnerOf(
    'new.bucket',
    columns.map((column) => `new.${column} - old.${column}`).join(', '),
  ),
  'INSERT ON buckets': addBucketTo('new.owner', 'new.name', counts('counted')),
  'UPDATE OF owner ON buckets': `${addBucketTo('old.owner', 'old.name', counts('-counted'))};
    ${addBucketTo('new.owner', 'new.name', counts('counted'))}`,
  'DELETE ON buckets': addBucketTo('old.owner', 'old.name', counts('-counted')),
}

/** Every connection that writes must run this once the tables exist. */
export function countUsage(db: Index): void {
  for (const [at, [event, work]] of Object.entries(triggers).entries()) {
    db.exec(`CREATE TEMP TRIGGER usage_${at} AFTER ${event.replace(' ON ', ' ON main.')} BEGIN ${work}; END`)
  }
  for (const table of ['bucket', 'owner']) {
    for (const event of ['INSERT', 'UPDATE']) {
      db.exec(
        `CREATE TEMP TRIGGER usage_none_${table}_${event} AFTER ${event} ON main.${table}_usage WHEN ${isNothing}
          BEGIN DELETE FROM ${table}_usage WHERE ${table} = new.${table}; END`,
      )
    }
  }
}

const counted = `SELECT bucket, sum(objects) AS objects, sum(bytes) AS bytes, sum(uploads) AS uploads,
    sum(part_bytes) AS part_bytes FROM (
  SELECT bucket, count(*) AS objects, sum(size) AS bytes, 0 AS uploads, 0 AS part_bytes FROM objects GROUP BY bucket
  UNION ALL SELECT bucket, count(*), sum(size), 0, 0 FROM versions GROUP BY bucket
  UNION ALL SELECT bucket, 0, 0, count(*), 0 FROM uploads WHERE completed_at IS NULL GROUP BY bucket
  UNION ALL SELECT u.bucket, 0, 0, 0, p.size FROM parts p JOIN uploads u ON u.id = p.upload
    WHERE u.completed_at IS NULL
) GROUP BY bucket`

/** Recounts everything with one pass over all objects. Requires a transaction and the triggers. */
export function recountUsage(db: Index): void {
  db.exec(`DELETE FROM owner_usage; DELETE FROM bucket_usage;
    INSERT INTO bucket_usage (bucket, ${list}) SELECT bucket, ${list} FROM (${counted})`)
}

const ofOwners = `SELECT owner, ${columns.map((column) => `sum(${column}) AS ${column}`).join(', ')}
  FROM (${counted}) JOIN buckets ON name = bucket GROUP BY owner`

/** Buckets and owners whose counts differ from their rows. */
export function findMiscounted(db: Index): ({ bucket: string } | { owner: string })[] {
  const unlike = (name: 'bucket' | 'owner', rows: string): string[] => {
    const kept = `SELECT ${name}, ${list} FROM ${name}_usage`
    const sql = `SELECT ${name} FROM (SELECT * FROM (${rows}) EXCEPT ${kept})
      UNION SELECT ${name} FROM (${kept} EXCEPT SELECT * FROM (${rows}))`
    return db.prepare<[], string>(sql).pluck().all()
  }
  return [
    ...unlike('bucket', counted).map((bucket) => ({ bucket })),
    ...unlike('owner', ofOwners).map((owner) => ({ owner })),
  ]
}

export class UsageRows {
  readonly #find
  readonly #list

  constructor(db: Index) {
    this.#find = db.prepare<[string], Counts>(`SELECT ${list} FROM owner_usage WHERE owner = ?`)
    this.#list = db.prepare<[], Counts & { owner: string; buckets: number }>(
      `SELECT b.owner, count(*) AS buckets, ${columns.map((column) => `coalesce(u.${column}, 0) AS ${column}`).join(', ')}
        FROM buckets b LEFT JOIN owner_usage u ON u.owner = b.owner GROUP BY b.owner ORDER BY b.owner`,
    )
  }

  /** As a quota counts: an unfinished upload is one object, and its parts are its bytes. */
  of(owner: string): { bytes: number; objects: number } {
    const found = this.#find.get(owner)
    if (!found) return { bytes: 0, objects: 0 }
    return { bytes: found.bytes + found.part_bytes, objects: found.objects + found.uploads }
  }

  /** Every owner of a bucket. */
  all(): OwnerUsage[] {
    return this.#list.all().map(({ part_bytes: partBytes, ...rest }) => ({ ...rest, partBytes }))
  }
}
