/**
 * Orphans: blobs without a row in the index. A crash leaves a few. Many of them suggest that the index belongs to other
 * blobs, so a run that would move more than `orphanLimit` moves none. No orphan is deleted directly: they move to
 * `quarantine/orphans-…/` with a manifest, and stay there for `storage.disk.keepOrphans`.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { orphanLimit } from '../driver.ts'
import { BlobLayout, isBlobAt, isBlobFolder, isBlobId } from './blob-layout.ts'
import { errorCode, type FileCalls } from './file-calls.ts'
import { giveToOwner } from './holds.ts'

export type OrphanSearch = {
  /** The store's folder. */
  root: string
  calls: FileCalls
  /** Whether the index has a row. Throws if this cannot be determined. */
  isKnown: (id: string) => boolean
  /** Whether this process is writing it. */
  isRunning?: (id: string) => boolean
  /** Seconds for which a blob may still get its row. */
  grace: number
  isStopped: () => boolean
}

export type Orphan = { id: string; path: string; size: number; modifiedAt: Date }

export type OrphanCount = { blobs: number; orphans: number; bytes: number; young: number; foreign: number }

/** Whether a run may move them. `allowed` is the number that the operator gave. */
export const mayTake = ({ blobs, orphans }: OrphanCount, allowed = 0): boolean =>
  orphans <= Math.max(orphanLimit(blobs), allowed)

export const tooManyOrphans = ({ blobs, orphans }: OrphanCount, root: string): string =>
  `${orphans} of ${blobs} blobs in ${new BlobLayout(root).objects} have no row in index.sqlite, over the limit of ${orphanLimit(blobs)}. ` +
  'Nothing was moved. A lost or replaced index looks like this. Restore the index of this store. ' +
  `If the blobs are not needed, run: postern gc --orphans --yes-delete ${orphans}`

/** Searches folder by folder, so that a large store needs little memory. Ignores files whose name is not a blob's. */
export async function* findOrphans(o: OrphanSearch, count: OrphanCount = noOrphans()): AsyncGenerator<Orphan[]> {
  const { objects } = new BlobLayout(o.root)
  for (const outer of await subfolders(o, objects)) {
    for (const inner of await subfolders(o, join(objects, outer))) {
      const folder = join(objects, outer, inner)
      const found: Orphan[] = []
      for (const { name } of o.isStopped() ? [] : await entriesOf(o, folder)) {
        if (o.isStopped()) return
        if (!isBlobAt(outer, inner, name)) {
          count.foreign++
          continue
        }
        count.blobs++
        const orphan = await judge(o, join(folder, name), count)
        if (orphan) found.push(orphan)
      }
      count.orphans += found.length
      count.bytes += found.reduce((bytes, { size }) => bytes + size, 0)
      if (found.length > 0) yield found
    }
  }
}

export const noOrphans = (): OrphanCount => ({ blobs: 0, orphans: 0, bytes: 0, young: 0, foreign: 0 })

export async function countOrphans(o: OrphanSearch): Promise<OrphanCount> {
  const count = noOrphans()
  for await (const _ of findOrphans(o, count));
  return count
}

async function judge(o: OrphanSearch, path: string, count: OrphanCount): Promise<Orphan | null> {
  const id = basename(path)
  const isWanted = (): boolean => o.isRunning?.(id) === true || o.isKnown(id)
  if (isWanted()) return null
  try {
    const { mtimeMs, ctimeMs, size, mtime } = await o.calls.lstat(path)
    // Check again: the row may have been created in the meantime.
    if (isWanted()) return null
    // Compare with the file system's clock, which set the time of the file. A rename counts as a change.
    const isOld = o.grace <= 0 || Date.now() - Math.max(mtimeMs, ctimeMs) >= o.grace * 1000
    if (isOld) return { id, path, size, modifiedAt: mtime }
    count.young++
    return null
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return null
    throw cause
  }
}

const subfolders = async (o: OrphanSearch, path: string): Promise<string[]> =>
  o.isStopped()
    ? []
    : (await entriesOf(o, path))
        .filter((entry) => entry.isDirectory() && isBlobFolder(entry.name))
        .map(({ name }) => name)

async function entriesOf({ calls }: Pick<OrphanSearch, 'calls'>, path: string) {
  try {
    return await calls.readdir(path)
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return []
    throw cause
  }
}

// ---- quarantine

type Place = Pick<OrphanSearch, 'root' | 'calls'>

const quarantineOf = (root: string): string => new BlobLayout(root).quarantine
const setPattern = /^orphans-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-[0-9a-f]{6}$/
const manifestName = 'manifest.jsonl'
const plainFolder = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0)

/** The orphans that one run moves. The manifest with their names is on disk before they are moved. */
export class QuarantineSet {
  readonly name: string
  readonly #place: Place
  readonly #by: string
  readonly #folder: string
  #manifest: number | null = null
  #written = 0

  constructor(place: Place, { by, now }: { by: string; now: Date }) {
    const time = now.toISOString().replace(/[-:]|\.\d+/g, '')
    this.name = `orphans-${time}-${randomBytes(3).toString('hex')}`
    this.#place = place
    this.#by = by
    this.#folder = join(quarantineOf(place.root), this.name)
  }

  /** Resolves to the number of moved orphans. Skips those that are gone. */
  async add(orphans: readonly Orphan[]): Promise<number> {
    const { calls } = this.#place
    this.#manifest ??= await this.#begin()
    const lines = orphans.map(({ id, size, modifiedAt }) =>
      JSON.stringify({ blob: id, size, modifiedAt, by: this.#by }),
    )
    await this.#write(`${lines.join('\n')}\n`)
    let moved = 0
    for (const { id, path } of orphans) {
      try {
        await calls.rename(path, join(this.#folder, id))
        moved++
      } catch (cause) {
        if (errorCode(cause) !== 'ENOENT') throw cause
      }
    }
    for (const folder of new Set([this.#folder, ...orphans.map(({ path }) => dirname(path))]))
      await syncFolder(calls, folder)
    return moved
  }

  async close(): Promise<void> {
    const file = this.#manifest
    this.#manifest = null
    if (file !== null) await this.#place.calls.close(file)
  }

  async #begin(): Promise<number> {
    const { root, calls } = this.#place
    for (const folder of [quarantineOf(root), this.#folder]) await makeFolder(this.#place, folder)
    const path = join(this.#folder, manifestName)
    const file = await calls.open(path, 'wx', 0o600)
    await giveToOwner(path, root)
    return file
  }

  async #write(text: string): Promise<void> {
    const { calls } = this.#place
    for (let left = Buffer.from(text); left.length > 0;) {
      const { bytesWritten } = await calls.writev(this.#manifest!, [left], this.#written)
      this.#written += bytesWritten
      left = left.subarray(bytesWritten)
    }
    await calls.fsync(this.#manifest!)
  }
}

/** A link could lead the blobs out of the store. */
async function makeFolder({ root, calls }: Place, folder: string): Promise<void> {
  try {
    await calls.mkdir(folder, 0o700)
  } catch (cause) {
    if (errorCode(cause) !== 'EEXIST') throw cause
    if ((await calls.lstat(folder)).isDirectory()) return
    throw new Error(
      `${folder} is a link or a file. Move it away, because orphaned blobs are kept in a folder of this name.`,
      {
        cause,
      },
    )
  }
  await giveToOwner(folder, root)
  await syncFolder(calls, dirname(folder))
}

async function syncFolder(calls: FileCalls, folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const file = await calls.open(folder, plainFolder)
  try {
    await calls.fsync(file)
  } finally {
    await calls.close(file)
  }
}

export type SetOfOrphans = { name: string; quarantinedAt: Date; blobs: number; bytes: number }

/** The existing sets, oldest first. */
export async function listQuarantine(place: Place): Promise<SetOfOrphans[]> {
  const sets: SetOfOrphans[] = []
  for (const name of await setNames(place)) {
    let bytes = 0
    const ids = await idsIn(place, name)
    for (const id of ids) bytes += (await place.calls.lstat(join(quarantineOf(place.root), name, id))).size
    sets.push({ name, quarantinedAt: await timeOf(place, name), blobs: ids.length, bytes })
  }
  return sets
}

/**
 * Moves the blobs of a set back to their places, all of them or those for which `wanted` is true. A blob whose place is
 * taken stays. A set that is empty afterwards is deleted.
 */
export async function putBack(
  place: Place,
  set: string,
  wanted: (id: string) => boolean = () => true,
): Promise<{ restored: number; left: number }> {
  const { root, calls } = place
  const layout = new BlobLayout(root)
  const from = join(layout.quarantine, set)
  const folders = new Set([from])
  let restored = 0
  let left = 0
  for (const id of await idsIn(place, set)) {
    if (!wanted(id)) {
      left++
      continue
    }
    const to = layout.path(id)
    if (await isThere(calls, to)) {
      left++
      continue
    }
    for (const folder of layout.folders(id)) await makeBlobFolder(place, folder)
    await calls.rename(join(from, id), to)
    folders.add(dirname(to))
    restored++
  }
  for (const folder of folders) await syncFolder(calls, folder)
  if (left === 0) await removeSet(place, set)
  return { restored, left }
}

async function makeBlobFolder({ root, calls }: Place, folder: string): Promise<void> {
  try {
    await calls.mkdir(folder)
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') return
    throw cause
  }
  await giveToOwner(folder, root)
  await syncFolder(calls, dirname(folder))
}

/**
 * Moves back blobs that the index has a row for, because the index may have been restored. Resolves to their number.
 */
export async function putBackKnown(place: Place, isKnown: (id: string) => boolean): Promise<number> {
  let restored = 0
  for (const name of await setNames(place)) {
    const ids = await idsIn(place, name)
    if (ids.some(isKnown)) restored += (await putBack(place, name, isKnown)).restored
  }
  return restored
}

/** Deletes expired sets, but no blob with a row in the index. Resolves to the number of blobs. */
export async function expireQuarantine(
  place: Place,
  o: { keepFor: number; now: Date; isKnown: (id: string) => boolean; isStopped?: () => boolean },
): Promise<number> {
  let removed = 0
  for (const name of await setNames(place)) {
    if (o.now.getTime() - (await timeOf(place, name)).getTime() < o.keepFor * 1000) continue
    let left = 0
    for (const id of await idsIn(place, name)) {
      if (o.isStopped?.()) return removed
      if (o.isKnown(id)) {
        left++
        continue
      }
      await unlink(place.calls, join(quarantineOf(place.root), name, id))
      removed++
    }
    if (left === 0) await removeSet(place, name)
  }
  return removed
}

async function removeSet({ root, calls }: Place, name: string): Promise<void> {
  const folder = join(quarantineOf(root), name)
  await unlink(calls, join(folder, manifestName))
  try {
    await calls.rmdir(folder)
  } catch (cause) {
    // The folder contains other files.
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errorCode(cause) ?? '')) throw cause
  }
}

async function unlink(calls: FileCalls, path: string): Promise<void> {
  try {
    await calls.unlink(path)
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT') throw cause
  }
}

async function isThere(calls: FileCalls, path: string): Promise<boolean> {
  try {
    await calls.lstat(path)
    return true
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return false
    throw cause
  }
}

const setNames = async (place: Place): Promise<string[]> =>
  (await entriesOf(place, quarantineOf(place.root)))
    .filter((entry) => entry.isDirectory() && setPattern.test(entry.name))
    .map(({ name }) => name)
    .toSorted()

const idsIn = async (place: Place, set: string): Promise<string[]> =>
  (await entriesOf(place, join(quarantineOf(place.root), set))).map(({ name }) => name).filter((name) => isBlobId(name))

/** The later of the times in name and manifest, so that a copied folder does not count as older than it is. */
async function timeOf({ root, calls }: Place, name: string): Promise<Date> {
  const [, ...parts] = setPattern.exec(name)!.map(Number)
  const [year, month, day, hour, minute, second] = parts as [number, number, number, number, number, number]
  const named = Date.UTC(year, month - 1, day, hour, minute, second)
  try {
    const { mtimeMs } = await calls.lstat(join(quarantineOf(root), name, manifestName))
    return new Date(Math.max(named, mtimeMs))
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return new Date(named)
    throw cause
  }
}
