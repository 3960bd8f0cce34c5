/**
 * One server per folder. `serve` locks the store's folder and an SQLite catalog while it runs. A file next to each
 * lock names the holder. Other commands do not take these locks.
 */
import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cannotOpen, explainFileError, makeFolders } from '../cannot-open.ts'
import type { Config } from '../config/config.ts'
import { catalogLock, lockHolder, serverLock } from '../lock-files.ts'
import { isLocked, takeLock, type Lock } from '../sqlite-lock.ts'
import { CliError } from './cli-error.ts'
import { catalogFile } from './open-store.ts'
import { folderStore } from '../drivers/registry.ts'

type Holder = { pid: number; host: string; startedAt: string }
type Place = { what: string; lock: string; holder: string }

export type ServerLock = { release(): void }

/** Milliseconds. Commands that only test a lock hold it briefly. */
const lockTimeoutMs = 500
const retryEvery = 200

/**
 * With `takeover` waits until another server has stopped. Resolves to null if `stopped` resolves first. Errors:
 * CliError that names the holder of the lock.
 */
export async function lockForServing(
  config: Config,
  o: { takeover: boolean; stopped: Promise<unknown>; note: (text: string) => void },
): Promise<ServerLock | null> {
  const held: { place: Place; lock: Lock }[] = []
  const release = (): void => {
    for (const { place, lock } of held.splice(0)) {
      removeQuietly(place.holder)
      lock.release()
    }
  }
  const stopping = new AbortController()
  void o.stopped.then(() => stopping.abort())
  try {
    for (const place of placesOf(config)) {
      const lock = take(place) ?? (o.takeover ? await waitFor(place, o.note, stopping.signal) : null)
      if (stopping.signal.aborted) {
        lock?.release()
        release()
        return null
      }
      if (lock === null) throw refusal(place)
      held.push({ place, lock })
      writeHolder(place)
    }
    return { release }
  } catch (error) {
    release()
    throw error
  }
}

/** Resolves to null if `signal` aborts first. */
async function waitFor(place: Place, note: (text: string) => void, signal: AbortSignal): Promise<Lock | null> {
  note(`Waiting until ${describe(place)} has stopped. Send it SIGTERM to let it drain.`)
  for (;;) {
    if (signal.aborted) return null
    const lock = take(place, 0)
    if (lock !== null) return lock
    await sleep(retryEvery)
  }
}

/** Whether a server or another writing process uses the store. Errors: CliError if the lock cannot be read. */
export async function isInUse({ path, tools }: NonNullable<ReturnType<typeof folderStore>>): Promise<boolean> {
  const { hasLiveWriter } = await tools()
  return looksInUse(placeOf(path), (lock) => isLocked(lock) || hasLiveWriter(path))
}

/** Whether a server uses the catalog in this file. Errors: CliError if the lock cannot be read. */
export function isCatalogInUse(file: string): boolean {
  return looksInUse(placeAt(`the catalog ${file}`, catalogLock(file)), isLocked)
}

function looksInUse({ what, lock }: Place, look: (lock: string) => boolean): boolean {
  try {
    return look(lock)
  } catch (cause) {
    const reason = explainFileError(cause) ?? cannotOpen(lock, cause)
    throw new CliError(`Cannot check whether a server uses ${what}: ${reason}`, 1, { cause })
  }
}

function placesOf(config: Config): Place[] {
  const folder = folderStore(config.storage)
  const catalog = catalogFile(config)
  return [
    // With other drivers the folder contains only secrets, which several servers may share.
    ...(folder ? [placeOf(folder.path)] : []),
    ...(catalog === null ? [] : [placeAt(`the catalog ${catalog}`, catalogLock(catalog))]),
  ]
}

const placeOf = (folder: string): Place => placeAt(`the folder ${folder}`, serverLock(folder))

const placeAt = (what: string, lock: string): Place => ({ what, lock, holder: lockHolder(lock) })

function take({ what, lock }: Place, wait = lockTimeoutMs): Lock | null {
  try {
    makeFolders(dirname(lock), 0o700)
    return takeLock(lock, { patience: wait })
  } catch (cause) {
    throw new CliError(`${what} cannot be locked: ${cannotOpen(lock, cause)}`, 1, { cause })
  }
}

function refusal(place: Place): CliError {
  return new CliError(
    `Another server uses ${place.what}: ${describe(place)}. Stop it first, choose another folder with --storage, ` +
      'or start with --takeover to wait until it has stopped.',
    1,
  )
}

function describe({ holder }: Place): string {
  try {
    const { pid, host, startedAt } = JSON.parse(readFileSync(holder, 'utf8')) as Holder
    return `process ${pid} on ${host}, started ${startedAt}`
  } catch {
    return `an unknown process (${holder} does not name it)`
  }
}

/** For information only. The lock itself decides, so a failed write is ignored. */
function writeHolder({ holder }: Place): void {
  const facts: Holder = { pid: process.pid, host: hostname(), startedAt: new Date().toISOString() }
  try {
    if (existsSync(holder)) unlinkSync(holder)
    writeFileSync(holder, `${JSON.stringify(facts)}\n`, { mode: 0o644, flag: 'wx' })
  } catch {
    // For example a full disk.
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // The file was never written.
  }
}
