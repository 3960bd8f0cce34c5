/** Opens the catalog that `database.url` names. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CircuitBreaker } from '../circuit-breaker.ts'
import { isStorageError, StorageError } from '../errors.ts'
import { allUploads, recountUsage, usageDifferences } from './audit.ts'
import type { Catalog } from './catalog.ts'
import { dumpCatalog, loadCatalog } from './dump.ts'
import { autoConfirmable, dropGrant, overdueUploads, removableGrants } from './due.ts'
import { deleteFile, getFile, listFiles, updateFile } from './files.ts'
import { dropLease, forgetLeases, listLeases, takeLease } from './leases.ts'
import { createLink, deleteLink, followLink, forgetLinks, isLinkAlive, listLinks } from './links.ts'
import { migrate, migrationStatus } from './migrate-schema.ts'
import { announceCopy, countIn, endLeft, filesIn, forgetMoved, movedObjects, moveFile, takeRemovable } from './moved.ts'
import { pendingUploads } from './pending.ts'
import { openDatabase } from './open-database.ts'
import { databaseAway } from './postgres-error.ts'
import {
  confirmUpload,
  createUpload,
  expireUpload,
  findUpload,
  noteWritten,
  renewUpload,
  setMultipart,
} from './uploads.ts'
import { generation, recordGeneration, recordStore, restoreFile, storeId } from './stores.ts'
import { getUsage, totalUsage } from './usage.ts'
import type { Subscriber } from './webhook-catalog.ts'
import {
  dueDeliveries,
  forgetDeliveries,
  listDeliveries,
  recordAttempt,
  replayEvent,
  switchedOff,
  switchOff,
  switchOn,
} from './webhooks.ts'
import type { OpenDatabase } from './database.ts'

/** Milliseconds for which a call is retried while another process writes. */
const patience = 5000
/** Milliseconds in which a database on the network must answer a call, and a readiness probe. */
const deadlines = { call: 15_000, probe: 3000 }

type RunOptions = {
  patience?: number
  /** `none`: no limit. `probe`: the circuit breaker lets it through. */
  deadline?: 'call' | 'probe' | 'none'
}

/**
 * `sqlite:PATH` (relative to the working directory), `sqlite::memory:` or `postgres://…`. Does not change the schema.
 * Call `migrate` before anything else. Errors: NotSupported for another kind of database, InvalidArgument, Unavailable,
 * InsufficientStorage. The outbox records events of files for `subscribers`.
 */
export async function createCatalog(o: { url: string; subscribers?: readonly Subscriber[] }): Promise<Catalog> {
  return catalogOver(await openDatabase(o.url), o.subscribers ?? [])
}

function catalogOver(
  { db, mayRetry, translate, isSilence, migrating, checkWritable, close }: OpenDatabase,
  outbox: readonly Subscriber[],
): Catalog {
  let closing: Promise<void> | undefined

  const breaker = new CircuitBreaker({ name: 'The database' })

  /** The only place that translates the database's errors. */
  async function run<T>(work: () => Promise<T>, o: RunOptions = {}): Promise<T> {
    const { deadline = 'call' } = o
    if (!isSilence || deadline === 'none') return attempt(work, o)
    if (deadline !== 'probe') breaker.admit()
    try {
      const result = await within(deadlines[deadline], attempt(work, o))
      breaker.answered()
      return result
    } catch (cause) {
      if (isStorageError(cause) && isSilence(cause.cause)) breaker.wasSilent()
      else if (!isStorageError(cause, 'Unavailable')) breaker.answered()
      throw cause
    }
  }

  /** Each method is one transaction, so it can be retried. */
  async function attempt<T>(work: () => Promise<T>, o: RunOptions): Promise<T> {
    const giveUpAt = performance.now() + (o.patience ?? patience)
    for (let pause = 5; ; pause = Math.min(pause * 2, 100)) {
      if (closing) throw new StorageError('Unavailable', { message: 'the catalog is closed' })
      try {
        return await work()
      } catch (cause) {
        if (cause instanceof StorageError) throw cause
        if (!mayRetry(cause) || performance.now() > giveUpAt) throw translate(cause)
      }
      await sleep(pause * (0.5 + Math.random()))
    }
  }

  return {
    migrate: () => run(() => migrate(db, migrating), { deadline: 'none' }),
    migrationStatus: () => run(() => migrationStatus(db, migrating)),
    createUpload: (o) => run(() => createUpload(db, o)),
    findUpload: (owner, by) => run(() => findUpload(db, { owner, ...by })),
    findUploadByKey: (key) => run(() => findUpload(db, { key })),
    renewUpload: (id, o) => run(() => renewUpload(db, id, o)),
    noteWritten: (id, written) => run(() => noteWritten(db, id, written)),
    setMultipart: (id, multipart) => run(() => setMultipart(db, id, multipart)),
    confirmUpload: (id, facts) => run(() => confirmUpload(db, id, facts, outbox)),
    expireUpload: (id, now, o) => run(() => expireUpload(db, id, now, o, outbox)),
    getFile: (owner, id) => run(() => getFile(db, owner, id)),
    listFiles: (owner, o) => run(() => listFiles(db, owner, o)),
    pendingUploads: (owner, o) => run(() => pendingUploads(db, owner, o)),
    updateFile: (owner, id, patch) => run(() => updateFile(db, owner, id, patch)),
    deleteFile: (owner, id, now) => run(() => deleteFile(db, owner, id, now, outbox)),
    usage: (owner) => run(() => getUsage(db, owner)),
    totals: () => run(() => totalUsage(db)),
    overdueUploads: (now, limit, after) => run(() => overdueUploads(db, now, limit, after)),
    autoConfirmable: (o) => run(() => autoConfirmable(db, o)),
    removableGrants: (now, limit, after) => run(() => removableGrants(db, now, limit, after)),
    dropGrant: (fileId) => run(() => dropGrant(db, fileId)),
    allUploads: (o) => run(() => allUploads(db, o)),
    usageDifferences: () => run(() => usageDifferences(db)),
    recountUsage: (owner) => run(() => recountUsage(db, owner)),
    takeLease: (name, o) => run(() => takeLease(db, name, o)),
    dropLease: (name, holder) => run(() => dropLease(db, name, holder)),
    listLeases: (prefix, now) => run(() => listLeases(db, prefix, now)),
    forgetLeases: (before) => run(() => forgetLeases(db, before)),
    createLink: (owner, o) => run(() => createLink(db, owner, o)),
    listLinks: (owner, fileId) => run(() => listLinks(db, owner, fileId)),
    deleteLink: (owner, fileId, id) => run(() => deleteLink(db, owner, fileId, id)),
    followLink: (tokenHash, o) => run(() => followLink(db, tokenHash, o)),
    isLinkAlive: (id, now) => run(() => isLinkAlive(db, id, now)),
    forgetLinks: (before) => run(() => forgetLinks(db, before)),
    filesIn: (store, o) => run(() => filesIn(db, store, o)),
    countIn: (store) => run(() => countIn(db, store)),
    announceCopy: (copy) => run(() => announceCopy(db, copy)),
    moveFile: (o) => run(() => moveFile(db, o)),
    takeRemovable: (by, o) => run(() => takeRemovable(db, by, o)),
    endLeft: (store, removableAt) => run(() => endLeft(db, store, removableAt)),
    forgetMoved: (id) => run(() => forgetMoved(db, id)),
    movedObjects: (o) => run(() => movedObjects(db, o)),
    storeId: (name) => run(() => storeId(db, name)),
    recordStore: (name, id) => run(() => recordStore(db, name, id)),
    generation: (name) => run(() => generation(db, name)),
    recordGeneration: (name, o) => run(() => recordGeneration(db, name, o)),
    restoreFile: (file) => run(() => restoreFile(db, file)),
    dueDeliveries: (url, o) => run(() => dueDeliveries(db, url, o)),
    recordAttempt: (delivery, o) => run(() => recordAttempt(db, delivery, o)),
    listDeliveries: (o) => run(() => listDeliveries(db, o)),
    replayEvent: (eventId, now) => run(() => replayEvent(db, eventId, now)),
    switchOff: (url, now) => run(() => switchOff(db, url, now)),
    switchOn: (url) => run(() => switchOn(db, url)),
    switchedOff: () => run(() => switchedOff(db)),
    forgetDeliveries: (before) => run(() => forgetDeliveries(db, before)),
    dump: () => run(() => dumpCatalog(db)),
    load: (dump) => run(() => loadCatalog(db, dump)),
    checkReady: () =>
      run(
        async () => {
          await db.selectFrom('usage').select('owner').limit(1).execute()
          checkWritable?.()
        },
        { patience: 0, deadline: 'probe' },
      ),
    close: () => (closing ??= close()),
  }
}

/** After a timeout, the work may or may not have happened, as after a lost connection. */
async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const cause = Object.assign(new Error(`no answer within ${milliseconds / 1000} s`), { code: 'ETIMEDOUT' })
      reject(databaseAway("the catalog's database does not answer", { cause, retryAfter: 5 }))
    }, milliseconds)
  })
  work.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
