/**
 * A running server whose database another process has locked, or whose pages are damaged (row 119 of docs/security.md).
 * test/drivers/disk-durability.test.ts and test/catalog/sqlite.test.ts test the pragmas and the SQLite version (rows
 * 116 and 117), test/security/integrity.test.ts row 118.
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { send } from './caller.ts'
import { kept, put, startFaultHarness, tryFile, type FaultHarness } from './fault-harness.ts'

const pageSize = 4096

let harness: FaultHarness
beforeEach(async () => {
  harness = await startFaultHarness()
})
afterEach(() => harness.close())

describe('a database that another process has locked', () => {
  it.each(['index', 'catalog'] as const)('the %s: 503 in the end; the others are served meanwhile', async (which) => {
    const file = which === 'index' ? join(harness.installation.storage, 'index.sqlite') : harness.installation.catalog
    const other = new Database(file)
    other.exec('BEGIN IMMEDIATE')
    const write =
      which === 'index'
        ? put(harness.caller, 'waits', kept)
        : tryFile(harness.caller, kept).then(({ answers }) => answers.at(-1)!)
    let isAnswered = false
    void write.then(() => (isAnswered = true))
    await harness.expectReads()
    expect(isAnswered).toBe(false)
    const { status, headers } = await write
    expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 503, retry: '1' })
    await expect
      .poll(() => harness.server().log())
      .toMatch(which === 'index' ? /The object index is busy/ : /the catalog \S+ is in use by another process/)
    other.exec('ROLLBACK')
    other.close()
    expect((await put(harness.caller, 'waits', kept)).status).toBe(200)
    expect((await tryFile(harness.caller, kept)).answers.at(-1)!.status).toBe(201)
  })
})

describe('a database that is damaged', () => {
  /** Overwrites the root page of a table, with the server down. */
  async function ruin(path: string, table: string): Promise<void> {
    expect(await harness.server().stop()).toBe(0)
    const db = new Database(path)
    db.pragma('wal_checkpoint(TRUNCATE)')
    const { rootpage } = db.prepare('SELECT rootpage FROM sqlite_master WHERE name = ?').get(table) as {
      rootpage: number
    }
    db.close()
    const file = await open(path, 'r+')
    await file.write(Buffer.alloc(pageSize, 0xff), 0, pageSize, (rootpage - 1) * pageSize)
    await file.close()
    await harness.restart()
  }

  it('the index: answers 503, and the log says what to do', async () => {
    await ruin(join(harness.installation.storage, 'index.sqlite'), 'objects')
    expect((await send(await harness.caller.s3('GET', 'kept'))).status).toBe(503)
    expect((await put(harness.caller, 'new', kept)).status).toBe(503)
    await expect
      .poll(() => harness.server().log())
      .toMatch(/The object index \S+ is damaged\. Stop the server and run postern rebuild-index/)
    expect((await send({ method: 'GET', url: `${harness.installation.api}/healthz` })).status).toBe(200)
  })

  it('the index: later writes and /readyz name the damage that a write found', async () => {
    await ruin(join(harness.installation.storage, 'index.sqlite'), 'blobs')
    for (const key of ['first', 'second']) expect((await put(harness.caller, key, kept)).status).toBe(503)
    await expect
      .poll(async () => (await send({ method: 'GET', url: `${harness.installation.api}/readyz` })).body.toString())
      .toMatch(/is damaged\. Stop the server and run postern rebuild-index/)
    expect(harness.server().log()).not.toMatch(/made durable|"stack"/)
  })

  it('the catalog: answers 503, and objects are still served', async () => {
    await ruin(harness.installation.catalog, 'files')
    expect((await send(harness.caller.api('GET', '/files'))).status).toBe(503)
    expect((await tryFile(harness.caller, kept)).answers.at(-1)!.status).toBe(503)
    await expect.poll(() => harness.server().log()).toMatch(/the catalog \S+ is damaged. Restore it from a backup/)
    expect((await send(await harness.caller.s3('GET', 'kept'))).body).toEqual(kept)
  })
})
