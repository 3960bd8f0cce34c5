/**
 * Checks a store while no server runs: each row has a blob, each blob has a row, and the counts of the catalog are
 * correct.
 */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { pino } from 'pino'
import { parse } from 'yaml'
import { readFileSync } from 'node:fs'
import { createCatalog } from '../../src/catalog/create-catalog.ts'
import { createDiskDriver } from '../../src/drivers/disk/disk-driver.ts'
import { configSchema } from '../../src/config/schema.ts'
import { collectExpired } from '../../src/service/maintenance/collect-expired.ts'
import { blobFiles, diskOptions } from '../drivers/disk-fixture.ts'
import type { Installation } from './installation.ts'
import { createStores } from '../../src/service/stores/stores.ts'

export type Findings = string[]

/** A temporary file belongs to an upload that runs. Asked while the server is up and idle. */
export async function temporaryFiles(installation: Installation): Promise<string[]> {
  return readdir(join(installation.storage, 'tmp'))
}

/**
 * With the server stopped: findings of which each is a fault. Lets time pass for what was never confirmed, and sweeps.
 */
export async function checkConsistency(installation: Installation): Promise<Findings> {
  const findings = [...(await danglingRows(installation)), ...usageErrors(installation)]
  await letExpire(installation)
  findings.push(...usageErrors(installation))
  const reserved = query<{ owner: string }>(
    installation.catalog,
    'SELECT owner FROM usage WHERE reserved_bytes <> 0 OR reserved_files <> 0',
  )
  findings.push(...reserved.map(({ owner }) => `${owner} has something reserved, and no upload pending`))
  findings.push(...(await danglingRows(installation)), ...(await unknownBlobs(installation)))
  for (const file of [installation.catalog, join(installation.storage, 'index.sqlite')]) {
    const [state] = query<{ integrity_check: string }>(file, 'PRAGMA integrity_check')
    if (state?.integrity_check !== 'ok') findings.push(`${file}: ${state?.integrity_check}`)
  }
  return findings
}

function query<T>(file: string, sql: string): T[] {
  const db = new Database(file, { readonly: true })
  try {
    return db.prepare<[], T>(sql).all()
  } finally {
    db.close()
  }
}

/** Rows that refer to blobs which are not there, or not whole; blobs that belong to nothing and are not garbage. */
async function danglingRows(installation: Installation): Promise<Findings> {
  const index = join(installation.storage, 'index.sqlite')
  const blobs = query<{ id: string; size: number }>(index, 'SELECT id, size FROM blobs WHERE garbage_since IS NULL')
  const findings: Findings = []
  for (const { id, size } of blobs) {
    const path = join(installation.storage, 'objects', id.slice(0, 2), id.slice(2, 4), id)
    const found = await stat(path).catch(() => null)
    if (found?.size !== size)
      findings.push(`the blob ${id} of ${size} bytes ${found ? `has ${found.size}` : 'is missing'}`)
  }
  const used = `SELECT content FROM objects WHERE parts = 0 UNION SELECT content FROM versions WHERE content IS NOT NULL AND parts = 0 UNION SELECT blob FROM segments UNION SELECT blob FROM parts`
  const unknown = query<{ content: string }>(index, `${used} EXCEPT SELECT id FROM blobs WHERE garbage_since IS NULL`)
  findings.push(...unknown.map(({ content }) => `${content} is used and has no row, or one of garbage`))
  const idle = query<{ id: string }>(index, `SELECT id FROM blobs WHERE garbage_since IS NULL AND id NOT IN (${used})`)
  findings.push(...idle.map(({ id }) => `the blob ${id} is used by nothing and kept`))
  return findings
}

/** After a sweep every blob has a row. */
async function unknownBlobs(installation: Installation): Promise<Findings> {
  const driver = await createDiskDriver(diskOptions(installation.storage, { sweepOnStart: true, grace: 0 }))
  await driver.sweep()
  await driver.close()
  const rows = query<{ id: string }>(join(installation.storage, 'index.sqlite'), 'SELECT id FROM blobs')
  const known = new Set(rows.map(({ id }) => id))
  const files = await blobFiles(installation.storage)
  const unknown = files.filter((path) => !known.has(path.slice(-32)))
  const findings = unknown.map((path) => `${path} has no row`)
  if (files.length !== known.size) findings.push(`${files.length} blobs and ${known.size} rows after a sweep`)
  for (const name of await temporaryFiles(installation)) findings.push(`the temporary file ${name} was left`)
  return findings
}

/** What each user has used and reserved, as the catalog says and as its files add up. */
function usageErrors(installation: Installation): Findings {
  const sums = `SELECT owner, bytes, files, reserved_bytes, reserved_files FROM usage`
  const counted = `
    SELECT f.owner, coalesce(sum(f.size) FILTER (WHERE f.status = 'confirmed'), 0) AS bytes,
      count(*) FILTER (WHERE f.status = 'confirmed') AS files,
      coalesce(sum(u.reserved_bytes) FILTER (WHERE f.status = 'pending'), 0) AS reserved_bytes,
      count(*) FILTER (WHERE f.status = 'pending') AS reserved_files
    FROM files f LEFT JOIN uploads u ON u.file_id = f.id GROUP BY f.owner`
  const zeros = `SELECT owner, 0, 0, 0, 0 FROM (SELECT owner FROM usage UNION SELECT owner FROM files)`
  type Sums = { owner: string }
  const [tooMuch, tooLittle] = [
    [sums, counted],
    [counted, sums],
  ].map(([one, other]) => query<Sums>(installation.catalog, `${one} EXCEPT SELECT * FROM (${other}) EXCEPT ${zeros}`))
  return [
    ...tooMuch!.map((row) => `usage says ${JSON.stringify(row)}, the files add up to something else`),
    ...tooLittle!.map((row) => `the files add up to ${JSON.stringify(row)}, usage says something else`),
  ]
}

/** A pass of the collector of the day after tomorrow: every upload that nobody confirmed has had its time. */
async function letExpire(installation: Installation): Promise<void> {
  const now = (): Date => new Date(Date.now() + 10 * 86_400_000)
  const config = configSchema.parse({ ...defaults(), database: { url: `sqlite:${installation.catalog}` } })
  const driver = await createDiskDriver(diskOptions(installation.storage, { now }))
  const catalog = await createCatalog({ url: `sqlite:${installation.catalog}` })
  await catalog.migrate()
  await collectExpired({
    stores: createStores(driver),
    catalog,
    config,
    now,
    log: pino({ level: 'silent' }),
    urls: { api: () => installation.api },
  })
  await catalog.close()
  await driver.close()
}

const defaults = (): Record<string, unknown> =>
  parse(readFileSync(join(import.meta.dirname, '../../config/default.yaml'), 'utf8')) as Record<string, unknown>
