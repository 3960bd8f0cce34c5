import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCatalog } from '../../src/catalog/create-catalog.ts'
import { migrations } from '../../src/catalog/migrations/index.ts'
import { runChecks, type Result } from '../../src/doctor/check.ts'
import { diskChecks } from '../../src/doctor/disk-checks.ts'
import { schemaVersion } from '../../src/drivers/disk/open-index.ts'
import { startGateway } from '../fixtures/gateway.ts'
import type { DiskSubject } from '../../src/doctor/database-check.ts'

let dir: string
let folder: string
let catalogFile: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'postern-doctor-'))
  folder = join(dir, 'storage')
  catalogFile = join(dir, 'catalog.sqlite')
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const subject = (o: Partial<DiskSubject> = {}): DiskSubject => ({
  folder,
  holdsObjects: true,
  minFree: 1024,
  fsync: 'full',
  indexVersion: schemaVersion,
  catalogVersions: Object.keys(migrations),
  catalogFile,
  openCatalog: () => createCatalog({ url: `sqlite:${catalogFile}` }),
  ...o,
})
const examined = (o?: Partial<DiskSubject>): Promise<Result[]> => runChecks('disk', diskChecks, subject(o))
const failures = async (o?: Partial<DiskSubject>) =>
  (await examined(o))
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ check, message, fix }) => ({ check, message, fix }))

async function used(): Promise<void> {
  const gateway = await startGateway({}, { dir })
  await gateway.close()
}

describe('a healthy disk', () => {
  /** In memory, as some machines' temporary folders are, a disk keeps nothing; doctor says so. */
  const sound = (results: readonly Result[]) =>
    results.filter(({ outcome, message }) => outcome === 'failed' && !message.includes('lies in memory'))

  it('passes before the first start, and creates only empty folders', async () => {
    const results = await examined()
    expect(sound(results)).toEqual([])
    expect(results.map(({ check }) => check)).toEqual(['writable', 'mount', 'space', 'fsync', 'index', 'catalog'])
    expect(existsSync(catalogFile)).toBe(false)
    expect(readdirSync(folder).flatMap((name) => readdirSync(join(folder, name)))).toEqual([])
  })

  it('passes with a store and a catalog in use, and prints their versions', async () => {
    await used()
    const results = await examined()
    expect(sound(results)).toEqual([])
    expect(results.find(({ check }) => check === 'catalog')?.message).toMatch(/at version \d{4}-/)
    expect(results.find(({ check }) => check === 'index')?.message).toMatch(/WAL, no damage/)
  })
})

describe('faults', () => {
  it('reports a file in place of the storage folder', async () => {
    writeFileSync(folder, '')
    expect((await failures())[0]).toMatchObject({
      check: 'writable',
      fix: expect.stringMatching(/another storage\.disk\.path/),
    })
  })

  it('reports a file in place of a folder in the store', async () => {
    mkdirSync(folder)
    writeFileSync(join(folder, 'tmp'), '')
    expect((await failures())[0]).toMatchObject({ check: 'writable', fix: expect.stringMatching(/Move it away/) })
  })

  it('reports a full disk', async () => {
    expect(await failures({ minFree: Number.MAX_SAFE_INTEGER })).toMatchObject([
      {
        check: 'space',
        message: expect.stringMatching(/uploads are refused/),
        fix: expect.stringMatching(/Free some space/),
      },
    ])
  })

  it('reports a folder that is a link to another mount', async () => {
    mkdirSync(join(dir, 'elsewhere'))
    mkdirSync(folder)
    symlinkSync(join(dir, 'elsewhere'), join(folder, 'objects'), 'junction')
    expect(await failures()).toMatchObject([
      { check: 'mount', message: expect.stringMatching(/objects is a symbolic link/) },
    ])
  })

  it('reports fsync: none', async () => {
    expect(await failures({ fsync: 'none' })).toMatchObject([
      { check: 'fsync', fix: expect.stringMatching(/fsync: full/) },
    ])
  })

  it('reports an index and a catalog of newer versions', async () => {
    await used()
    expect(await failures({ indexVersion: schemaVersion - 1 })).toMatchObject([
      { check: 'index', fix: expect.stringMatching(/newer version/) },
    ])
    const db = new Database(catalogFile)
    db.prepare("INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-later', '2030-01-01')").run()
    db.close()
    expect(await failures()).toMatchObject([
      { check: 'catalog', message: expect.stringMatching(/9999-later/), fix: expect.stringMatching(/newer/) },
    ])
  })

  it('reports a damaged database', async () => {
    await used()
    writeFileSync(join(folder, 'index.sqlite'), 'this is no database, and it was one yesterday')
    expect(await failures()).toMatchObject([{ check: 'index', fix: expect.stringMatching(/rebuild-index/) }])
  })

  it('reports a database that does not answer', async () => {
    const openCatalog = () => Promise.reject(new Error('connect ECONNREFUSED 127.0.0.1:5432'))
    expect(await failures({ catalogFile: null, openCatalog })).toMatchObject([
      { check: 'catalog', message: expect.stringMatching(/ECONNREFUSED/), fix: expect.stringMatching(/database\.url/) },
    ])
  })
})

it('skips the checks of objects if a bucket holds them', async () => {
  const results = await examined({ holdsObjects: false })
  expect(results.filter(({ check }) => check === 'mount' || check === 'index').map(({ message }) => message)).toEqual([
    'The folder holds no objects.',
    'The folder holds no objects.',
  ])
})
