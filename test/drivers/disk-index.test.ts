import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { StorageError } from '../../src/errors.ts'
import { ChangeLog } from '../../src/drivers/disk/change-log/change-log.ts'
import { BlobLayout } from '../../src/drivers/disk/blob-layout.ts'
import { startLog } from '../../src/drivers/disk/change-log/start.ts'
import { CommitQueue } from '../../src/drivers/disk/commit-queue.ts'
import { createDiskDriver } from '../../src/drivers/disk/disk-driver.ts'
import { fileCalls } from '../../src/drivers/disk/file-calls.ts'
import { listSql } from '../../src/drivers/disk/list-objects.ts'
import { openIndex, schemaVersion, type Index } from '../../src/drivers/disk/open-index.ts'
import { skipScan } from '../../src/drivers/disk/skip-scan.ts'
import { compareText, textAfter } from '../../src/drivers/disk/text-order.ts'
import { uploadPageSql } from '../../src/drivers/disk/upload-rows.ts'
import { silent } from '../../src/drivers/disk/log.ts'
import { WriteGuard } from '../../src/drivers/disk/write-guard.ts'
import { bodyOf, codeOf } from '../conformance/driver/suite-tools.ts'
import { diskOptions } from './disk-fixture.ts'
import { withoutVersions } from './store-log.ts'

let dir: string
let db: Index
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'postern-index-'))
  db = openIndex(join(dir, 'index.sqlite'))
})
afterEach(async () => {
  db.close()
  await rm(dir, { recursive: true })
})

async function startQueue(): Promise<CommitQueue> {
  const guard = new WriteGuard({ calls: fileCalls, root: dir, minFree: 0, log: silent })
  await mkdir(new BlobLayout(dir).log, { recursive: true })
  await mkdir(join(dir, 'tmp'))
  const log = new ChangeLog({ root: dir, calls: fileCalls, guard, fsync: false })
  onTestFinished(() => log.close())
  const queue = new CommitQueue({ db, guard, log, now: () => new Date() })
  await startLog({ root: dir, db, log, queue, calls: fileCalls, expected: undefined, report: silent })
  return queue
}

describe('listing', () => {
  const plan = (sql: string, ...params: unknown[]): string =>
    db
      .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...params)
      .map(({ detail }) => detail)
      .join('; ')

  it('uses an index and does not sort', () => {
    expect(plan(listSql, 'b', 'a', 'z', 10)).toMatch(
      /^SEARCH objects USING INDEX \S+ \(bucket=\? AND key>\? AND key<\?\)$/,
    )
    expect(plan(uploadPageSql, 'b', 'a', '', 'z', 10)).toMatch(
      /^SEARCH uploads USING INDEX open_uploads \(bucket=\? AND/,
    )
    expect(plan(uploadPageSql, 'b', 'a', '', 'z', 10)).not.toContain('TEMP B-TREE')
  })

  it('skips the keys below a common prefix', () => {
    const add = db.prepare(
      `INSERT INTO objects (bucket, key, size, etag, modified_at, acl, headers, tags, content, parts)
       VALUES ('b', ?, 0, '', 0, 'private', '{}', '{}', ?, 0)`,
    )
    db.transaction(() => {
      for (let i = 0; i < 50_000; i++) add.run(`${i % 5}/${i}`, String(i))
    })()
    const select = db.prepare<[string | Buffer], { key: string }>(
      `SELECT key FROM objects WHERE bucket = 'b' AND key >= ? ORDER BY key`,
    )
    let read = 0
    const page = skipScan<{ key: string }>({
      prefix: '',
      delimiter: '/',
      max: 1000,
      from: '',
      *seek(position): Generator<{ key: string }> {
        for (const row of select.iterate(position)) {
          read++
          yield row
        }
      },
    })
    expect(page.commonPrefixes).toEqual(['0/', '1/', '2/', '3/', '4/'])
    expect(read).toBe(5)
  })
})

describe('the order of text', () => {
  const text = fc.string({ unit: 'binary', maxLength: 4 })

  it('is that of SQLite', () => {
    const ask = db.prepare<[string, string], number>('SELECT ? < ?').pluck()
    fc.assert(
      fc.property(text, text, (a, b) => {
        fc.pre(!a.includes('\0') && !b.includes('\0'))
        expect(ask.get(a, b)).toBe(compareText(a, b) < 0 ? 1 : 0)
      }),
    )
  })

  it('has a bound above every text with a prefix, and below every greater text without it', () => {
    const below = db.prepare<[string, string | Buffer], number>('SELECT ? < ?').pluck()
    fc.assert(
      fc.property(text, text, (prefix, rest) => {
        fc.pre(!prefix.includes('\0') && !rest.includes('\0'))
        expect(below.get(prefix + rest, textAfter(prefix))).toBe(1)
        const beyond = !rest.startsWith(prefix) && compareText(rest, prefix) > 0
        expect(beyond && below.get(rest, textAfter(prefix)) === 1).toBe(false)
      }),
    )
  })

  it('skips the surrogates, and goes past the last code point', () => {
    expect(textAfter('\ud7ff')).toBe('\ue000')
    expect(textAfter('a\u{10ffff}')).toBe('b')
    expect(textAfter('\u{10ffff}')).toEqual(Buffer.alloc(0))
    expect(textAfter('')).toEqual(Buffer.alloc(0))
  })
})

describe('the schema', () => {
  it('of a newer version is refused', async () => {
    db.pragma(`user_version = ${schemaVersion + 1}`)
    expect(await codeOf(createDiskDriver(diskOptions(dir)))).toBe('Unavailable')
    const newer = new RegExp(`schema version ${schemaVersion + 1}.*newer version`, 's')
    await expect(createDiskDriver(diskOptions(dir))).rejects.toThrow(newer)
  })

  it('of the first version gets the checksums of parts', () => {
    db.exec('ALTER TABLE segments DROP COLUMN checksum')
    db.exec('DROP INDEX unnoted_objects')
    db.exec('ALTER TABLE objects DROP COLUMN note')
    db.exec('ALTER TABLE buckets DROP COLUMN configuration')
    db.exec(withoutVersions)
    db.exec('ALTER TABLE uploads DROP COLUMN initiation')
    db.exec('DROP TABLE applied; DROP TABLE paired; DROP TABLE bucket_usage; DROP TABLE owner_usage')
    db.prepare('INSERT INTO segments VALUES (?, 0, 1, 5, ?)').run('old', 'blob')
    db.pragma('user_version = 1')
    db.close()
    db = openIndex(join(dir, 'index.sqlite'))
    expect(db.prepare('SELECT part, size, checksum FROM segments').all()).toEqual([
      { part: 1, size: 5, checksum: null },
    ])
  })

  it.each([5, 6])('of version %i gets the initiators of uploads, which are unknown for existing ones', (version) => {
    if (version < 6) db.exec(withoutVersions)
    db.exec('ALTER TABLE uploads DROP COLUMN initiation')
    db.exec(`INSERT INTO uploads (id, bucket, key, initiated_at, acl, headers, tags)
      VALUES ('old', 'b', 'k', 1, 'private', '{}', '{"a":"b"}')`)
    db.pragma(`user_version = ${version}`)
    db.close()
    db = openIndex(join(dir, 'index.sqlite'))
    expect(db.prepare('SELECT id, initiation FROM uploads').all()).toEqual([{ id: 'old', initiation: null }])
  })

  it('is created once by two concurrent starts', async () => {
    const fresh = join(dir, 'fresh')
    const drivers = await Promise.all([createDiskDriver(diskOptions(fresh)), createDiskDriver(diskOptions(fresh))])
    const ref = { bucket: 'postern', key: 'seen by both' }
    await drivers[0]!.putObject(ref, bodyOf('x'))
    expect((await drivers[1]!.headObject(ref)).contentLength).toBe(1)
    for (const driver of drivers) await driver.close()
  })
})

describe('a group of commits', () => {
  it('is one transaction, in which a failed job undoes only its own changes', async () => {
    const queue = await startQueue()
    const add = db.prepare("INSERT INTO buckets VALUES (?, 'o', 0, 'private', NULL, NULL)")
    const outcomes = await Promise.allSettled([
      queue.run(() => add.run('one').changes),
      queue.run(() => {
        add.run('two')
        throw new StorageError('PreconditionFailed')
      }),
      queue.run(() => add.run('three').changes),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(db.prepare('SELECT name FROM buckets ORDER BY name').pluck().all()).toEqual(['one', 'three'])
  })

  it('fails as a whole when the index fails, and acknowledges nothing that is not stored', async () => {
    const queue = await startQueue()
    const add = db.prepare("INSERT INTO buckets VALUES (?, 'o', 0, 'private', NULL, NULL)")
    const outcomes = await Promise.allSettled([
      queue.run(() => add.run('one').changes),
      queue.run(() => db.prepare('INSERT INTO buckets (name) VALUES (NULL)').run()),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(db.prepare('SELECT count(*) FROM buckets').pluck().get()).toBe(0)
    await queue.run(() => add.run('later'))
  })

  it('refuses writes after a checkpoint that cannot sync, which SQLite would not report', async () => {
    const queue = await startQueue()
    const pragma = db.pragma.bind(db)
    Object.assign(db, {
      pragma: (source: string) => {
        if (!source.startsWith('wal_checkpoint')) return pragma(source)
        throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' })
      },
    })
    expect(await queue.run(() => 'before')).toBe('before')
    queue.checkpoint()
    expect(await codeOf(queue.run(() => 'after'))).toBe('Unavailable')
  })

  it('accepts nothing after its close', async () => {
    const queue = await startQueue()
    const before = queue.run(() => 1)
    queue.close()
    expect(await before).toBe(1)
    expect(await codeOf(queue.run(() => 2))).toBe('Unavailable')
  })
})
