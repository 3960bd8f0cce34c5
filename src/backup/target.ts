/** The folder into which a backup is restored. It must be empty, so that nothing is lost or mixed. */
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isThere } from '../cannot-open.ts'
import { BlobLayout } from '../drivers/disk/blob-layout.ts'
import { rebuildLog } from '../drivers/disk/change-log/rebuild-log.ts'
import { isLocksOfWriters } from '../drivers/disk/writers.ts'
import { catalogLock, keyLock, lockHolder, serverLock } from '../lock-files.ts'
import { refuse, type DatabaseName } from './format.ts'
import { syncFolder } from './output.ts'

/** Files that may be in an empty folder. */
const harmless = new Set(['.gitkeep', '.gitignore', 'lost+found', '.DS_Store'])

/** Suffixes of SQLite's files next to a database. After a crash they may exist without the database. */
const besides = ['', '-wal', '-shm', '-journal']

export type Target = { store: string; catalog: string | null }

/** Errors: InvalidRequest, with what to do. */
export async function assertEmpty({ store, catalog }: Target): Promise<void> {
  const entries = await readdir(store).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw cause
  })
  const locks = locksOf({ store, catalog })
  const holdsNothing = (name: string): boolean =>
    harmless.has(name) || locks.has(resolve(store, name)) || isLocksOfWriters(store, name)
  const found = entries.find((name) => !holdsNothing(name))
  if (found !== undefined) {
    throw refuse(
      `${store} is not empty (it contains ${found}). ` +
        'Name an empty folder with --storage, or move this folder away first.',
    )
  }
  // SQLite would replay the WAL of another catalog into this one.
  const there = catalog === null ? undefined : besides.map((end) => catalog + end).find((path) => isThere(path))
  if (there !== undefined) {
    throw refuse(
      `${there} already exists. Move it away first, or name another file with --set database.url=sqlite:PATH.`,
    )
  }
}

/** The lock files of servers and commands. They remain after the process has exited. */
function locksOf({ store, catalog }: Target): Set<string> {
  const servers = [serverLock(store), ...(catalog === null ? [] : [catalogLock(catalog)])]
  return new Set([keyLock(store), ...servers, ...servers.map(lockHolder)].map((path) => resolve(path)))
}

const stagingPattern = /^\.restore-[0-9a-f]{12}$/

/** The staging folder of a restore that was killed, or null. An empty one means that everything was moved. */
export function unfinishedRestore(store: string): string | null {
  const names = isThere(store) ? readdirSync(store).filter((name) => stagingPattern.test(name)) : []
  return names.find((name) => readdirSync(join(store, name)).length > 0) ?? null
}

/** Unpacks everything next to its destination and moves it at the end, the index last, because a folder without an index is no store. */
export class Staging {
  readonly path: string
  readonly #layout: BlobLayout
  readonly #target: Target
  readonly #folders = new Set<string>()

  constructor(target: Target) {
    this.#target = target
    this.path = join(target.store, `.restore-${randomBytes(6).toString('hex')}`)
    this.#layout = new BlobLayout(this.path)
  }

  async prepare(): Promise<void> {
    await mkdir(this.#layout.objects, { recursive: true })
  }

  file(name: string): string {
    return join(this.path, name)
  }

  async blob(id: string): Promise<string> {
    const path = this.#layout.path(id)
    await this.#makeFolder(dirname(path))
    return path
  }

  async quarantine(id: string): Promise<void> {
    const path = this.#layout.quarantined(id)
    await this.#makeFolder(dirname(path))
    await rename(this.#layout.path(id), path)
  }

  /** If the backup has no catalog, the store accepts any catalog at its first start. */
  async writeLog({ withCatalog }: { withCatalog: boolean }): Promise<void> {
    await rebuildLog({ root: this.path, unpair: !withCatalog })
    await rm(this.#layout.temp, { recursive: true })
  }

  async commit(databases: readonly DatabaseName[], documents: readonly string[]): Promise<void> {
    const { store, catalog } = this.#target
    for (const folder of [...this.#folders, ...[...this.#folders].map(dirname)]) await syncFolder(folder)
    const to = new BlobLayout(store)
    await assertEmpty({ store: to.objects, catalog })
    const moves: [string, string][] = [['objects', to.objects]]
    if (isThere(this.#layout.quarantine)) moves.push(['quarantine', to.quarantine])
    for (const name of documents) moves.push([name, join(store, name)])
    if (databases.includes('catalog.sqlite') && catalog !== null) moves.push(['catalog.sqlite', catalog])
    if (databases.includes('index.sqlite')) moves.push(['index.sqlite', to.index])
    for (const [name, path] of moves) {
      await mkdir(dirname(path), { recursive: true })
      await syncFile(this.file(name))
      await rename(this.file(name), path)
      await syncFolder(dirname(path))
    }
    await rmdir(this.path)
  }

  async discard(): Promise<void> {
    await rm(this.path, { recursive: true, force: true })
  }

  async #makeFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return
    await mkdir(folder, { recursive: true })
    this.#folders.add(folder)
  }
}

/** Syncs a file or a folder, if the system can. */
async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => null)
  await handle?.sync().catch(() => {})
  await handle?.close()
}
