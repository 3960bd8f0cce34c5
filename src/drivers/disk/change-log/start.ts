/**
 * Checks at startup that index, log, `objects/` and the catalog belong together. If they do not, startup fails with the
 * findings and the commands to choose from. Nothing is deleted here.
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { orphanLimit, type Fit } from '../../driver.ts'
import type { StorageError } from '../../../errors.ts'
import type { ObjectNote } from '../../objects.ts'
import { BlobLayout, isBlobFolder, isBlobId } from '../blob-layout.ts'
import type { CommitQueue } from '../commit-queue.ts'
import { syncFolderNow } from '../directory-sync.ts'
import { errorCode, type LogCalls } from '../file-calls.ts'
import type { Index } from '../open-index.ts'
import { refusal, type ChangeLog } from './change-log.ts'
import type { DiskLog } from '../log.ts'
import type { Expected } from '../../expected.ts'
import { decodeHeader, frameHeaderSize } from './frame.ts'
import { listPacks, newStoreId, packHeaderSize, type Pack } from './pack.ts'
import { fitOf, Pairing } from './pairing.ts'
import { Positions, type Position } from './position.ts'
import { startOfStates } from './write-all.ts'

/** Must be called before the index is opened, because opening creates it. Errors: Unavailable. */
export function assertNotLost(root: string, calls: LogCalls, expected: Expected | undefined): void {
  if (!isEmptyFile(new BlobLayout(root).index)) return
  const found: string[] = []
  const packs = listPacks(root, calls)
  if (packs.some(({ size }) => size > packHeaderSize)) found.push(`a log of ${packs.length} packs in objects/log`)
  const blobs = countBlobs(root, 1000)
  if (blobs > 0) found.push(`${blobs === 1000 ? 'at least 1000' : blobs} blobs in objects/`)
  if ((expected?.files ?? 0) > 0) found.push(`${expected!.files} files of this store in the catalog`)
  // Another process may have created the index in the meantime.
  if (found.length === 0 || !isEmptyFile(new BlobLayout(root).index)) return
  throw refusal(
    `The object index ${new BlobLayout(root).index} is missing or empty, and there are ${found.join(' and ')}.`,
    'postern rebuild-index, which rebuilds the index from objects/',
  )
}

/**
 * Checks that log, index, blobs and catalog belong together, creates a missing store id, and applies new log records to
 * the index. Resolves to the position in the log.
 */
export async function startLog(o: {
  root: string
  db: Index
  log: ChangeLog
  queue: CommitQueue
  calls: LogCalls
  expected: Expected | undefined
  report: DiskLog
}): Promise<Position> {
  const { db, root, calls, queue, expected } = o
  const positions = new Positions(db)
  if (!positions.read()) {
    const isNew = isWithoutRows(db)
    if (!isNew) await assertAgreement(db, root, expected)
    adopt(o, isNew)
  }
  const position = positions.read()!
  const packs = listPacks(root, calls)
  assertOneStore(root, position, packs)
  if (expected?.storeId != null && expected.storeId !== position.store && expected.files > 0) {
    throw refusal(
      `The catalog belongs to the store ${expected.storeId}, and ${root} is the store ${position.store}.`,
      'set storage.disk.path and database.url to the two that belong together',
    )
  }
  assertFits(root, position, packs, calls)
  const current = queue.catchUp()
  if (expected?.storeId === null && expected.files === 0) assertCatalogNotLost(db, root)
  else if (expected) await assertPaired(o, expected)
  return current
}

type Paired = { root: string; db: Index; report: DiskLog }

/** Errors: Unavailable if the catalog or the store is an older copy. */
async function assertPaired({ root, db, report }: Paired, expected: Expected): Promise<void> {
  const pairing = new Pairing(db)
  // Another process may move both to the next generation between the two reads, the catalog first.
  for (let tries = 3; tries > 0; tries--) {
    const catalog = await expected.generation()
    const store = pairing.read()
    const fit = fitOf(catalog, store)
    if (fit === 'fits') {
      return assertLastFileKnown({ root, db, report }, expected, store === null).catch((err: unknown) => {
        // A damaged index does not prevent startup. Each request that needs it answers with the remedy.
        if (!/^SQLITE_(CORRUPT|NOTADB)/.test(errorCode(err) ?? '')) throw err
        report.error({ err }, 'cannot read the object index, so this start does not compare it with the catalog')
      })
    }
    // An empty store may have taken the store id of an empty catalog, for example in a second instance.
    if (expected.files === 0 && isWithoutObjects(db)) return
    if (tries === 1) throw misfit(fit, { root, catalog: catalog.announced.number, store: store!.number })
  }
}

const addAndAccept =
  'postern rebuild-catalog, which adds the confirmed files of this store to this catalog and accepts both'

function misfit(fit: Exclude<Fit, 'fits'>, o: { root: string; catalog: number; store: number }): StorageError {
  switch (fit) {
    case 'catalog is older':
      return refusal(
        `The catalog is older than the store: ${o.root} was last used with generation ${o.store} of its catalog, and this ` +
          `catalog is of generation ${o.catalog}. It lacks files that were confirmed, changed or deleted since.`,
        `put back the newer catalog; ${addAndAccept}`,
      )
    case 'store is older':
      return refusal(
        `The store is older than the catalog: ${o.root} was last used with generation ${o.store} of its catalog, and this ` +
          `catalog is of generation ${o.catalog}. Bytes that were stored since are not in it.`,
        `put back the newer folder; ${addAndAccept}, and counts the files whose bytes are missing`,
      )
    case 'not of one history':
      return refusal(
        `The catalog and the store ${o.root} were used separately after they were copied. Both have ` +
          `generation ${o.store}, but with different marks.`,
        `put back the two that belong together; ${addAndAccept}`,
      )
  }
}

/** How many of the newest rows are searched for a confirmed file. */
const newestRows = 10_000

/**
 * Detects a catalog that was copied while the server ran, which has the generation of the store. It lacks the last
 * confirmed file, because a file's record is created before its object and deleted after it.
 */
async function assertLastFileKnown(
  { root, db, report }: Paired,
  expected: Expected,
  wasAccepted: boolean,
): Promise<void> {
  const newest = db.prepare<[], { id: number; note: string }>(
    `SELECT id, note FROM objects WHERE note IS NOT NULL AND id > (SELECT max(id) FROM objects) - ${newestRows}
      ORDER BY id DESC LIMIT 1`,
  )
  const isStillThere = db.prepare<[number, string], 1>('SELECT 1 FROM objects WHERE id = ? AND note = ?')
  for (let row = newest.get(); row !== undefined; row = newest.get()) {
    const note = JSON.parse(row.note) as ObjectNote
    if (await expected.knows(note)) return
    // Another process has deleted it since.
    if (isStillThere.get(row.id, row.note) === undefined) continue
    const found = `The catalog is older than the store: it lacks the last confirmed file of ${root} (${note.id}, ${note.confirmedAt}).`
    if (!wasAccepted) throw refusal(found, `put back the newer catalog; ${addAndAccept}`)
    report.warn({ file: note.id }, `${found} Stop the server and run postern rebuild-catalog to add what is missing.`)
    return
  }
}

/** Rejects a new catalog for a store with confirmed files. */
function assertCatalogNotLost(db: Index, root: string): void {
  const noted = db.prepare('SELECT count(*) FROM objects WHERE note IS NOT NULL').pluck().get() as number
  if (noted === 0) return
  throw refusal(
    `The catalog is new and has no files, and ${root} holds ${noted} confirmed files.`,
    'postern rebuild-catalog, which restores their records from the store, or set database.url to the catalog of this store',
  )
}

function adopt({ db, root, log, queue, calls, expected }: Parameters<typeof startLog>[0], isNew: boolean): void {
  const positions = new Positions(db)
  queue.adopt(() => {
    // Another process may have done this first.
    const position = positions.read()
    if (position) return { position, states: [] }
    const packs = listPacks(root, calls)
    const [first] = packs
    if (packs.length > 1 || (first && first.size > packHeaderSize)) {
      throw refusal(
        `The object index ${new BlobLayout(root).index} follows no log, and ${packs.length} packs are in objects/log. The index is older than the log.`,
        'postern rebuild-index, which rebuilds the index from the log; if this index is right, postern rebuild-log; after an interrupted postern store convert --to 2, that command again',
      )
    }
    const begun = first ? resume(first) : log.create({ store: expected?.storeId ?? newStoreId(), epoch: 1, number: 1 })
    return { position: { ...begun, unlogged: startOfStates }, states: [] }
  })
  // The index must record its log before the first frame is acknowledged. A power cut loses unsynced changes, and an
  // index without a position next to a log with frames is refused.
  queue.syncIndex()
  syncFolderNow(root, calls)
  if (isNew) markWhole(queue, positions)
}

/** Marks the log of an initially empty store as complete from its first pack on. */
function markWhole(queue: CommitQueue, positions: Positions): void {
  queue.adopt(() => {
    const position = positions.read()!
    if (position.unlogged !== startOfStates) return { position, states: [] }
    return { position: { ...position, unlogged: null }, states: [{ is: 'whole', from: position.firstPack }] }
  })
}

/** The position in a pack without frames, from a start that was interrupted before its commit. */
const resume = ({ header }: Pack): Position => ({
  store: header.store,
  epoch: header.epoch,
  pack: header.number,
  offset: packHeaderSize,
  frame: 0,
  sequence: header.previous?.sequence ?? 0,
  crc: header.salt,
  firstPack: header.number,
  unlogged: null,
})

const followed = (root: string, { sequence, pack, epoch }: Position): string =>
  `${root}: the object index follows the log up to frame ${sequence} in pack ${pack} of epoch ${epoch}`

function assertOneStore(root: string, position: Position, packs: readonly Pack[]): void {
  const other = packs.find(({ header }) => header.store !== position.store)
  if (!other) return
  throw refusal(
    `${followed(root, position)} of the store ${position.store}, and ${other.path} belongs to the store ${other.header.store}.`,
    'put back the index or the folder objects/ that belongs to the other; or postern rebuild-index, which makes the ' +
      'index of the store in objects/',
  )
}

function assertFits(root: string, position: Position, packs: readonly Pack[], calls: LogCalls): void {
  const where = followed(root, position)
  const last = packs.at(-1)
  if (!last)
    throw refusal(
      `${where}, and objects/log is missing or empty.`,
      'postern rebuild-log, which writes it from the index',
    )
  const pack = packs.find(({ header }) => header.number === position.pack && header.epoch === position.epoch)
  if (!pack && (last.header.epoch < position.epoch || last.header.number < position.pack)) {
    throw refusal(
      `${where}, and the log ends in pack ${last.header.number} of epoch ${last.header.epoch}. The log is older.`,
      'postern rebuild-log',
    )
  }
  if (!pack) {
    throw refusal(`${where}, which no longer exists. This index is older than the log.`, 'postern rebuild-index')
  }
  if (pack.size < position.offset) {
    throw refusal(
      `${where}, byte ${position.offset}, and that pack has ${pack.size} bytes. The log is older.`,
      'postern rebuild-log',
    )
  }
  if (crcAt(pack, position, calls) !== position.crc) {
    throw refusal(
      `${where}, and another frame is there. Index and log have different histories.`,
      'postern rebuild-index or postern rebuild-log',
    )
  }
  if (position.firstPack < packs[0]!.header.number) {
    throw refusal(
      `${where} and needs it from pack ${position.firstPack} on, but the log starts with pack ${packs[0]!.header.number}.`,
      'postern rebuild-log',
    )
  }
}

/** The CRC that the next frame must contain. null if the current frame is unreadable. */
function crcAt({ path, header }: Pack, { frame }: Position, calls: LogCalls): number | null {
  if (frame === 0) return header.salt
  const fd = calls.openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(frameHeaderSize)
    calls.readSync(fd, bytes, 0, frameHeaderSize, frame)
    return decodeHeader(bytes)?.crc ?? null
  } finally {
    calls.closeSync(fd)
  }
}

/** Accepts a store of a version without a log only if its parts agree. */
async function assertAgreement(db: Index, root: string, expected: Expected | undefined): Promise<void> {
  const known = db.prepare<[string], 1>('SELECT 1 FROM blobs WHERE id = ?').pluck()
  let files = 0
  let unknown = 0
  for (const id of blobFiles(root)) {
    files++
    if (known.get(id) === undefined) unknown++
  }
  const rows = db.prepare('SELECT count(*) FROM blobs WHERE garbage_since IS NULL').pluck().get() as number
  const commands =
    'restore the index that belongs to this folder from a backup, or run postern verify to see the differences'
  if (unknown > orphanLimit(files) || (rows === 0 && files > 0)) {
    throw refusal(
      `${root}: ${unknown} of ${files} blobs are not in the object index. The index is older, or belongs to another store.`,
      commands,
    )
  }
  const missing = rows - (files - unknown)
  if (missing > orphanLimit(rows)) {
    throw refusal(`${root}: ${missing} of the ${rows} blobs in the object index are missing in objects/.`, commands)
  }
  if (!expected) return
  const object = db.prepare<[string, string], 1>('SELECT 1 FROM objects WHERE bucket = ? AND key = ?').pluck()
  let recorded = 0
  let absent = 0
  for await (const page of expected.objects()) {
    for (const { bucket, key } of page) {
      recorded++
      if (object.get(bucket, key) === undefined) absent++
    }
  }
  if (absent <= orphanLimit(recorded)) return
  throw refusal(
    `${root}: the catalog has ${recorded} files here, and ${absent} of them are not in the object index.`,
    commands,
  )
}

const isWithoutRows = (db: Index): boolean =>
  ['buckets', 'blobs', 'objects', 'versions', 'uploads'].every(
    (table) => db.prepare(`SELECT 1 FROM ${table} LIMIT 1`).get() === undefined,
  )

function isEmptyFile(path: string): boolean {
  return (
    (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0 &&
    (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0
  )
}

function countBlobs(root: string, most: number): number {
  let count = 0
  for (const _ of blobFiles(root)) if (++count === most) break
  return count
}

/** Ids of all blobs below `objects/`. */
export function* blobFiles(root: string): Generator<string> {
  const { objects } = new BlobLayout(root)
  for (const outer of folders(objects))
    for (const inner of folders(join(objects, outer)))
      for (const name of readdirSync(join(objects, outer, inner))) if (isBlobId(name)) yield name
}

function folders(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && isBlobFolder(entry.name))
      .map(({ name }) => name)
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return []
    throw cause
  }
}

const isWithoutObjects = (db: Index): boolean => db.prepare('SELECT EXISTS (SELECT 1 FROM objects)').pluck().get() === 0
