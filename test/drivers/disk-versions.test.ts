/** Versions in the disk store: random games against a plain model, the log, the garbage, the verification. */
import { spawn } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import Database from 'better-sqlite3'
import {
  array,
  assert as check,
  asyncProperty,
  constant,
  constantFrom,
  nat,
  oneof,
  record,
  type Arbitrary,
} from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openOffline } from '../../src/drivers/disk/change-log/offline.ts'
import { convertToVersion2 } from '../../src/drivers/disk/change-log/convert.ts'
import { Positions } from '../../src/drivers/disk/change-log/position.ts'
import { rebuildIndex } from '../../src/drivers/disk/change-log/rebuild-index.ts'
import { StatePages } from '../../src/drivers/disk/change-log/write-all.ts'
import { versionsOfKeySql, versionsOfKeysSql } from '../../src/drivers/disk/versions/list-versions.ts'
import { ObjectRows } from '../../src/drivers/disk/object-rows.ts'
import { VersionRows } from '../../src/drivers/disk/versions/version-rows.ts'
import { verifyStore } from '../../src/drivers/disk/verify/verify-store.ts'
import type { ListedVersion, ListVersionsOptions, StorageDriver, Versioning } from '../../src/drivers/driver.ts'
import { isStorageError } from '../../src/errors.ts'
import { bodyOf } from '../conformance/driver/body.ts'
import { codeOf, collect } from '../conformance/driver/suite-tools.ts'
import { startDisk } from './start-disk.ts'
import { blobFiles, type DiskFixture } from './disk-fixture.ts'
import { dumpIndex, dumpRebuilt, overwrite, packsOf, removeIndex } from './store-log.ts'

const bucket = 'photos'
const of = (key: string): { bucket: string; key: string } => ({ bucket, key })

async function start(o: Parameters<typeof startDisk>[0] = {}): Promise<DiskFixture> {
  const fixture = await startDisk({ grace: 0, ...o })
  await fixture.driver.createBucket(bucket, { owner: 'alice' })
  return fixture
}

const setVersioning = (driver: StorageDriver, versioning: Versioning): Promise<void> =>
  driver.configureBucket(bucket, { versioning })
const write = async (driver: StorageDriver, key: string, data: string): Promise<string> =>
  (await driver.putObject(of(key), bodyOf(data), { contentLength: Buffer.byteLength(data) })).versionId ?? 'null'
const read = async (driver: StorageDriver, key: string, versionId?: string): Promise<string> =>
  (await collect((await driver.getObject(of(key), versionId === undefined ? {} : { versionId })).stream())).toString()

async function listAll(driver: StorageDriver, o: Omit<ListVersionsOptions, 'bucket'> = {}): Promise<ListedVersion[]> {
  const all: ListedVersion[] = []
  let at: Pick<ListVersionsOptions, 'keyMarker' | 'versionIdMarker'> = {}
  for (;;) {
    const page = await driver.listObjectVersions({ bucket, ...o, ...at })
    all.push(...page.versions)
    if (!page.isTruncated) return all
    at = {
      keyMarker: page.nextKeyMarker!,
      ...(page.nextVersionIdMarker !== undefined && { versionIdMarker: page.nextVersionIdMarker }),
    }
  }
}

async function problemsOf(dir: string, { repair = false } = {}): Promise<string[]> {
  const found: string[] = []
  await verifyStore({
    path: dir,
    deep: true,
    repair,
    grace: 3600,
    tempGrace: 3600,
    report: { problem: ({ kind, detail }) => void found.push(`${kind}: ${detail}`), count() {} },
    signal: new AbortController().signal,
  })
  return found
}

/** What S3's documentation says of versions, and nothing else: each key has its versions, the newest first. */
class Model {
  state: Versioning | null = null
  readonly keys = new Map<string, { id: string; data: string | null }[]>()

  add(key: string, id: string, data: string | null): void {
    const versions = this.keys.get(key) ?? []
    const kept = this.state === null ? [] : versions.filter((version) => version.id !== id)
    this.keys.set(key, [{ id, data }, ...kept])
  }

  remove(key: string, id: string): void {
    this.keys.set(
      key,
      (this.keys.get(key) ?? []).filter((version) => version.id !== id),
    )
  }

  listed(): unknown[] {
    return [...this.keys]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([key, versions]) =>
        versions.map(({ id, data }, i) => ({ key, versionId: id, isLatest: i === 0, isDeleteMarker: data === null })),
      )
  }

  current(): string[] {
    return [...this.keys].flatMap(([key, [newest]]) => (newest && newest.data !== null ? [key] : [])).toSorted()
  }
}

type Move =
  | { do: 'put' | 'delete' | 'copy' | 'multipart'; key: string }
  | { do: 'remove'; key: string; nth: number }
  | { do: 'state'; to: Versioning }
  | { do: 'batch'; keys: string[] }

const key = constantFrom('a', 'a/b', 'b')
const moves = array(
  oneof(
    { weight: 5, arbitrary: record({ do: constant('put' as const), key }) },
    { weight: 3, arbitrary: record({ do: constant('delete' as const), key }) },
    { weight: 1, arbitrary: record({ do: constantFrom('copy' as const, 'multipart' as const), key }) },
    { weight: 4, arbitrary: record({ do: constant('remove' as const), key, nth: nat(3) }) },
    {
      weight: 2,
      arbitrary: record({
        do: constant('state' as const),
        to: constantFrom<Versioning>('Enabled', 'Enabled', 'Suspended'),
      }),
    },
    { weight: 1, arbitrary: record({ do: constant('batch' as const), keys: array(key, { maxLength: 3 }) }) },
  ) as Arbitrary<Move>,
  { minLength: 5, maxLength: 30 },
)

async function play(driver: StorageDriver, model: Model, move: Move, serial: number): Promise<void> {
  const idOf = (versionId: string | undefined): string => versionId ?? 'null'
  const marked = (name: string, deleted: { versionId?: string }): void => {
    if (model.state === null) model.keys.delete(name)
    else model.add(name, deleted.versionId!, null)
  }
  switch (move.do) {
    case 'put':
      model.add(move.key, await write(driver, move.key, `data ${serial}`), `data ${serial}`)
      break
    case 'multipart': {
      const { uploadId } = await driver.createMultipartUpload(of(move.key))
      const part = await driver.uploadPart(of(move.key), uploadId, 1, bodyOf(`parts ${serial}`))
      const parts = [{ partNumber: 1, etag: part.etag }]
      const { versionId } = await driver.completeMultipartUpload(of(move.key), uploadId, parts)
      model.add(move.key, idOf(versionId), `parts ${serial}`)
      break
    }
    case 'copy': {
      const newest = model.keys.get(move.key)?.[0]
      if (!newest || newest.data === null) return
      const { versionId } = await driver.copyObject(of(move.key), of('copy'))
      model.add('copy', idOf(versionId), newest.data)
      break
    }
    case 'delete':
      marked(move.key, await driver.deleteObject(of(move.key)))
      break
    case 'batch':
      await driver.deleteObjects(bucket, move.keys)
      // Which markers it made is seen in the listing: as many as keys.
      for (const name of move.keys) {
        if (model.state === null) model.keys.delete(name)
        else {
          const found = (await listAll(driver, { prefix: name })).filter((version) => version.key === name)
          const known = new Set(model.keys.get(name)?.map(({ id }) => id))
          const made = found
            .filter(({ versionId }) => (versionId === 'null' ? model.state === 'Suspended' : !known.has(versionId)))
            .toReversed()
          for (const { versionId, isDeleteMarker } of made) if (isDeleteMarker) model.add(name, versionId, null)
        }
      }
      break
    case 'remove': {
      const version = model.keys.get(move.key)?.[move.nth]
      if (!version) return
      await driver.deleteObject(of(move.key), { versionId: version.id })
      model.remove(move.key, version.id)
      break
    }
    default:
      model.state = move.to
      await setVersioning(driver, move.to)
  }
}

describe('random writes, deletes and changes of the state', () => {
  it('leave the state of the model in the index, in the log and in the files', async () => {
    await check(
      asyncProperty(moves, async (game) => {
        const fixture = await start()
        const { driver, dir } = fixture
        const model = new Model()
        for (const [serial, move] of game.entries()) await play(driver, model, move, serial)
        const listed = (await listAll(driver, { maxKeys: 2 })).map(
          ({ versionId, isLatest, isDeleteMarker, ...rest }) => ({
            key: rest.key,
            versionId,
            isLatest,
            isDeleteMarker,
          }),
        )
        expect(listed).toEqual(model.listed())
        expect((await driver.listObjects({ bucket })).objects.map((object) => object.key)).toEqual(model.current())
        const versions = [...model.keys].flatMap(([name, all]) => all.map((version) => ({ name, ...version })))
        const found = await Promise.all(
          versions.map(async ({ name, id }) =>
            read(driver, name, id).catch((error: unknown) => (isStorageError(error, 'IsDeleteMarker') ? null : error)),
          ),
        )
        expect(found).toEqual(versions.map(({ data }) => data))
        // What no version needs is deleted, and nothing else.
        await driver.sweep()
        const distinct = new Set([...model.keys.values()].flat().flatMap(({ data }) => (data === null ? [] : [data])))
        expect(await blobFiles(dir)).toHaveLength(distinct.size)
        await driver.close()
        expect(await dumpRebuilt(dir)).toEqual(dumpIndex(join(dir, 'index.sqlite')))
        expect(await problemsOf(dir)).toEqual([])
        await fixture.close()
      }),
      {
        numRuns: 25,
        examples: [
          [
            [
              { do: 'state', to: 'Suspended' },
              { do: 'delete', key: 'a' },
              { do: 'state', to: 'Enabled' },
              { do: 'put', key: 'a' },
              { do: 'batch', keys: ['a'] },
            ],
          ],
        ],
      },
    )
  })
})

describe('versions of a key', () => {
  it('keep an earlier object as the version null', async () => {
    const { driver } = await start()
    await write(driver, 'a', 'before')
    expect((await driver.headObject(of('a'))).versionId).toBeUndefined()
    await setVersioning(driver, 'Enabled')
    expect((await driver.headObject(of('a'))).versionId).toBe('null')
    const second = await write(driver, 'a', 'second')
    expect(second).toMatch(/^[\w-]{32}$/)
    expect(await read(driver, 'a', 'null')).toBe('before')
    expect(await read(driver, 'a')).toBe('second')
  })

  it('have ids that are rejected if malformed, and not found if unknown', async () => {
    const { driver } = await start()
    await write(driver, 'a', 'one')
    expect(await codeOf(driver.headObject(of('a'), { versionId: 'x'.repeat(32) }))).toBe('InvalidArgument')
    await setVersioning(driver, 'Enabled')
    expect(await codeOf(driver.headObject(of('a'), { versionId: 'x' }))).toBe('InvalidArgument')
    expect(await codeOf(driver.deleteObject(of('a'), { versionId: 'x' }))).toBe('InvalidArgument')
    expect(await codeOf(driver.headObject(of('a'), { versionId: 'x'.repeat(32) }))).toBe('NoSuchVersion')
    expect(await codeOf(driver.headObject(of('b'), { versionId: 'null' }))).toBe('NoSuchVersion')
    expect(await driver.deleteObject(of('a'), { versionId: 'x'.repeat(32) })).toEqual({ versionId: 'x'.repeat(32) })
    expect(await read(driver, 'a')).toBe('one')
  })

  it('have their own tags and ACL', async () => {
    const { driver } = await start()
    await setVersioning(driver, 'Enabled')
    const first = await write(driver, 'a', 'one')
    await write(driver, 'a', 'two')
    await driver.putObjectTags(of('a'), { kept: 'yes' }, { versionId: first })
    await driver.setObjectAcl(of('a'), 'public-read', { versionId: first })
    expect(await driver.getObjectTags(of('a'), { versionId: first })).toEqual({ kept: 'yes' })
    expect((await driver.headObject(of('a'), { versionId: first })).acl).toBe('public-read')
    expect(await driver.getObjectTags(of('a'))).toEqual({})
    expect((await driver.headObject(of('a'))).acl).toBe('private')
  })

  it("count in the owner's quota until they are deleted", async () => {
    const { driver } = await start({ ownerLimits: { bytes: 10, objects: null } })
    await setVersioning(driver, 'Enabled')
    const first = await write(driver, 'a', '12345')
    await write(driver, 'a', '12345')
    expect(await codeOf(write(driver, 'a', '1'))).toBe('QuotaExceeded')
    expect((await driver.usageOfOwners!())[0]).toMatchObject({ owner: 'alice', bytes: 10, objects: 2 })
    await driver.deleteObject(of('a'), { versionId: first })
    expect(await write(driver, 'a', '12345')).toMatch(/^[\w-]{32}$/)
  })

  it('prevent the deletion of their bucket, also delete markers', async () => {
    const { driver } = await start()
    await setVersioning(driver, 'Enabled')
    const { versionId } = await driver.deleteObject(of('a'))
    expect(await codeOf(driver.deleteBucket(bucket))).toBe('BucketNotEmpty')
    await driver.deleteObject(of('a'), { versionId: versionId! })
    await driver.deleteBucket(bucket)
  })
})

describe('a list of versions', () => {
  it('continues after a version that was deleted between two pages', async () => {
    const { driver } = await start()
    await setVersioning(driver, 'Enabled')
    const ids: string[] = []
    for (const data of ['1', '2', '3', '4']) ids.unshift(await write(driver, 'a', data))
    const first = await driver.listObjectVersions({ bucket, maxKeys: 2 })
    for (const { versionId } of first.versions) await driver.deleteObject(of('a'), { versionId })
    const rest = await driver.listObjectVersions({
      bucket,
      keyMarker: first.nextKeyMarker!,
      versionIdMarker: first.nextVersionIdMarker!,
    })
    expect(rest.versions.map(({ versionId }) => versionId)).toEqual(ids.slice(2))
  })

  it('groups keys at a delimiter, and skips a listed common prefix', async () => {
    const { driver } = await start()
    await setVersioning(driver, 'Enabled')
    for (const name of ['a/1', 'a/1', 'b', 'b', 'c/1']) await write(driver, name, 'x')
    const first = await driver.listObjectVersions({ bucket, delimiter: '/', maxKeys: 1 })
    expect(first).toMatchObject({ commonPrefixes: ['a/'], versions: [], isTruncated: true, nextKeyMarker: 'a/' })
    const rest = await driver.listObjectVersions({ bucket, delimiter: '/', keyMarker: 'a/' })
    expect(rest).toMatchObject({ commonPrefixes: ['c/'], isTruncated: false })
    expect(rest.versions.map((version) => [version.key, version.isLatest])).toEqual([
      ['b', true],
      ['b', false],
    ])
  })

  it('reads its rows in the order of an index, and the list of keys reads no versions', async () => {
    const { dir } = await start()
    const db = new Database(join(dir, 'index.sqlite'), { readonly: true })
    onTestFinished(() => void db.close())
    for (const sql of [versionsOfKeySql, versionsOfKeysSql]) {
      const values = { bucket, from: '', below: 'b', key: 'a', nth: 1, max: 1 }
      const plan = db.prepare<[object], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(values)
      const text = plan.map(({ detail }) => detail).join('\n')
      expect(text).not.toMatch(/SCAN|TEMP B-TREE/)
      expect(text).toContain('MERGE (UNION ALL)')
    }
  })
})

describe('the log', () => {
  it('that is rewritten while a version becomes current keeps its bytes', async () => {
    const { driver, dir } = await start()
    await setVersioning(driver, 'Enabled')
    await write(driver, 'a', 'first')
    const second = await write(driver, 'a', 'second')
    await driver.close()
    const { db, queue, close } = await openOffline({ root: dir, index: join(dir, 'index.sqlite') })
    const pages = new StatePages(db)
    const versions = new VersionRows(db, new ObjectRows(db))
    await pages.begin(queue)
    // The buckets and the current objects; the versions come after what happens now.
    await pages.next(queue)
    await pages.next(queue)
    await queue.run(() => versions.removeVersion(of('a'), second, Date.now()))
    while (!(await pages.next(queue)));
    const { firstPack } = new Positions(db).read()!
    close()
    for (const pack of packsOf(dir).slice(0, firstPack - 1)) rmSync(pack)
    removeIndex(dir)
    expect(await rebuildIndex({ root: dir })).toMatchObject({ objects: 1, gaps: [], missingBlobs: [] })
    expect(await problemsOf(dir)).toEqual([])
  })
})

describe('a process that is killed between the sync of the log and the commit of the index', () => {
  it('leaves every acknowledged version in order, and a log with the same state', async () => {
    const { driver, dir, again } = await start()
    await setVersioning(driver, 'Enabled')
    await driver.close()
    for (const dieAt of [4, 9, 14]) {
      const answered: string[] = []
      const script = join(import.meta.dirname, 'version-writer.ts')
      const child = spawn(process.execPath, [script, dir, String(dieAt)], { stdio: ['ignore', 'pipe', 'inherit'] })
      for await (const line of createInterface({ input: child.stdout })) answered.unshift(line)
      expect(answered.length).toBeGreaterThan(0)
      const after = await again()
      const listed = (await listAll(after)).map(({ versionId, isDeleteMarker }) =>
        isDeleteMarker ? `marker ${versionId}` : `version ${versionId}`,
      )
      // One more may have been synced before its answer.
      expect([0, 1]).toContain(listed.indexOf(answered[0]!))
      expect(listed.filter((one) => answered.includes(one))).toEqual(answered)
      await after.close()
      expect(await dumpRebuilt(dir)).toEqual(dumpIndex(join(dir, 'index.sqlite')))
      expect(await problemsOf(dir)).toEqual([])
    }
  })
})

describe('a locked version', () => {
  const until = '2099-01-01T00:00:00.000Z'
  const lock = { retention: { mode: 'COMPLIANCE' as const, until } }
  const startLocked = async (): Promise<DiskFixture & { id: string }> => {
    const fixture = await start()
    await fixture.driver.configureBucket(bucket, { versioning: 'Enabled', objectLock: {} })
    const { versionId } = await fixture.driver.putObject(of('a'), bodyOf('kept'), { lock })
    return { ...fixture, id: versionId! }
  }

  it('outlives deletions, lifecycle rules, sweeps, and its bucket', async () => {
    const { driver, dir, id } = await startLocked()
    const anything = { id: 'r', isEnabled: true, filter: {}, form: 'filter' as const }
    await driver.configureBucket(bucket, {
      lifecycle: [{ ...anything, expiration: { date: '2020-01-01T00:00:00.000Z' }, noncurrent: { days: 1 } }],
    })
    expect(await codeOf(driver.deleteObject(of('a'), { versionId: id, bypassGovernance: true }))).toBe('AccessDenied')
    await driver.deleteObjects(bucket, ['a'])
    await driver.sweep()
    expect(await codeOf(driver.deleteBucket(bucket))).toBe('BucketNotEmpty')
    expect(await codeOf(driver.configureBucket(bucket, { objectLock: null }))).toBe('InvalidBucketState')
    expect(await codeOf(setVersioning(driver, 'Suspended'))).toBe('InvalidBucketState')
    expect(await read(driver, 'a', id)).toBe('kept')
    await driver.close()
    expect(await dumpRebuilt(dir)).toEqual(dumpIndex(join(dir, 'index.sqlite')))
  })

  it('expires by lifecycle rules once its retention has ended', async () => {
    let now = new Date()
    const { driver } = await start({ now: () => now })
    await driver.configureBucket(bucket, { versioning: 'Enabled', objectLock: {} })
    const ends = new Date(now.getTime() + 10 * 86_400_000).toISOString()
    const retained = { retention: { mode: 'GOVERNANCE' as const, until: ends } }
    const { versionId } = await driver.putObject(of('a'), bodyOf('kept'), { lock: retained })
    await write(driver, 'a', 'newer')
    await driver.configureBucket(bucket, {
      lifecycle: [{ id: 'r', isEnabled: true, filter: {}, form: 'filter', noncurrent: { days: 1 } }],
    })
    const later = (days: number): Date => new Date(Date.now() + days * 86_400_000)
    now = later(5)
    await driver.sweep()
    expect(await read(driver, 'a', versionId)).toBe('kept')
    now = later(12)
    await driver.sweep()
    expect(await codeOf(driver.headObject(of('a'), { versionId: versionId! }))).toBe('NoSuchVersion')
  })

  it('whose bytes are damaged is reported by a repair, and stays where it is', async () => {
    const { driver, dir } = await startLocked()
    await driver.close()
    const [path] = await blobFiles(dir)
    chmodSync(path!, 0o600)
    overwrite(path!, 0, Buffer.from('bent'))
    expect(await problemsOf(dir, { repair: true })).toEqual([expect.stringMatching(/^blob-damaged: .*object lock/)])
    expect(await blobFiles(dir)).toEqual([path])
  })
})

describe('the conversion to a store without versions', () => {
  it('is refused while a bucket keeps versions', async () => {
    const { driver, dir } = await start()
    await write(driver, 'a', 'first')
    await setVersioning(driver, 'Enabled')
    await driver.close()
    await expect(convertToVersion2(dir)).rejects.toThrow(/photos keeps versions/)
    expect(await problemsOf(dir)).toEqual([])
  })
})
