/**
 * The disk driver: an object index in SQLite and immutable blobs below one folder. Two processes can use one folder at
 * the same time (`postern presign` next to `postern serve`). Only the server sweeps at startup.
 */
import { realpath } from 'node:fs/promises'
import { makeFolders } from '../../cannot-open.ts'
import { StorageError } from '../../errors.ts'
import { whileBusy } from '../../sqlite-lock.ts'
import type { SigningCredentials } from '../../sigv4/types.ts'
import type { BucketConfiguration, Capability, OwnerLimits, OwnerUsage, StorageDriver } from '../driver.ts'
import { BlobLayout } from './blob-layout.ts'
import { BlobStore } from './blob-store.ts'
import { BucketRows, type BucketRow } from './bucket-rows.ts'
import { createBucketStore } from './bucket-store.ts'
import { BufferPool } from './buffer-pool.ts'
import { ChangeLog } from './change-log/change-log.ts'
import { fitOf, Pairing } from './change-log/pairing.ts'
import { LogUpkeep } from './change-log/upkeep.ts'
import type { Expected } from '../expected.ts'
import { assertNotLost, startLog } from './change-log/start.ts'
import { CommitQueue } from './commit-queue.ts'
import { createCompletion } from './complete-upload.ts'
import { isWriting, type DiskContext } from './context.ts'
import { createCopy } from './copy-object.ts'
import { DescriptorCache } from './descriptor-cache.ts'
import { parentsOfMade } from './directory-sync.ts'
import { fileCalls, type FileCalls } from './file-calls.ts'
import { createIdleUploads } from './idle-uploads.ts'
import { createListing } from './list-objects.ts'
import { createUploadListing } from './list-uploads.ts'
import { silent, type DiskLog } from './log.ts'
import { createMultipart } from './multipart-uploads.ts'
import { ObjectRows } from './object-rows.ts'
import { openIndex, type Index } from './open-index.ts'
import { OwnerQuota } from './quota/owner-quota.ts'
import { UsageRows } from './quota/usage.ts'
import { alone, type Peers } from '../peers.ts'
import { createPostPresigner } from '../endpoint/post-presigner.ts'
import { createPresigner } from '../endpoint/presigner.ts'
import { createReads } from './read-objects.ts'
import { limits } from '../rules.ts'
import { afterUnsynced, namingDamage, toStorageError } from './store-error.ts'
import { Scrub } from './scrub.ts'
import { SweepSchedule } from './sweep-schedule.ts'
import { createSnapshots } from './snapshots.ts'
import { Sweeper } from './sweep.ts'
import { HoldCounts } from './hold-counts.ts'
import { UploadRows } from './upload-rows.ts'
import { blobsInUse, Garbage, HandedOff } from './garbage.ts'
import { HashThread } from './hash-thread.ts'
import { createVersionListing } from './versions/list-versions.ts'
import { VersionRows } from './versions/version-rows.ts'
import { WriteGuard } from './write-guard.ts'
import { blockSize } from './write-body.ts'
import { createWrites } from './write-objects.ts'
import { createWriteProbe } from './write-probe.ts'
import { gatewayOwner } from '../../gateway-names.ts'

export type DiskDriverOptions = {
  /** The store's folder. Created if it does not exist. */
  path: string
  /** The gateway's bucket. Created at the first start. */
  bucket: string
  /** With `none`, acknowledged writes can be lost in a power cut. */
  fsync: 'full' | 'none'
  /** Bytes to keep free. A write that would leave less is InsufficientStorage. */
  minFree: number
  /** The quota of each owner of buckets, except the gateway. Default: no limits. */
  ownerLimits?: OwnerLimits
  /** Makes new blobs readable by the folder's group, for a front proxy that sends them. Default: only by the owner. */
  groupReads?: boolean
  /** Base URL of the objects endpoint. Called for each presigning. */
  publicUrl: () => string
  region: string
  /** A function is called for each presigning, because keys can be replaced while a server runs. */
  credentials: SigningCredentials | (() => SigningCredentials)
  now: () => Date
  log?: DiskLog
  /**
   * Deletes all temporary files at startup, and orphaned blobs in the background. For the server, because no upload can
   * be running when it starts. With `shared`, other processes have uploads in flight, whose files are left alone.
   */
  sweepOnStart?: boolean | 'shared'
  /** Processes that serve the same folder. Blobs that they read and write are not deleted. */
  peers?: Peers
  /** Seconds for which the bytes of a deleted object stay for running reads. Default 60. */
  grace?: number
  /** Seconds without a change after which `sweep` deletes a temporary file. Default 1 day. */
  abandonedAfter?: number
  /** Seconds for which orphaned blobs are kept in quarantine. Default 1 week. */
  keepOrphans?: number
  /** Whether the clock is steady. If not, nothing is deleted because of its age. Default: true. */
  mayDelete?: () => boolean
  /** Seconds in which the server reads all blobs once to check that they are intact. null: never. */
  scrubEvery?: number | null
  /** Seconds from startup to the first read of the scrub. Default 60. */
  scrubDelay?: number
  /** The catalog's facts about this store. A start that does not match them fails. */
  expected?: Expected
  /** For tests: bytes after which the log starts a new pack. */
  packSize?: number
  /** For tests of faults. */
  calls?: Partial<FileCalls>
}

/** Milliseconds for which startup waits while another process writes the index, which every write does. */
const startPatience = 5000

/** Owner of the bucket that the driver creates. */

const capabilities: ReadonlySet<Capability> = new Set<Capability>([
  'presign-post',
  'signed-length',
  'signed-checksum',
  'conditional-put',
  'unequal-parts',
  'revocable-reads',
  'seals-in-place',
])

/** Errors: Unavailable if the folder or its index cannot be used. */
export async function createDiskDriver(o: DiskDriverOptions): Promise<StorageDriver> {
  const log = namingDamage(o.log ?? silent, new BlobLayout(o.path).index)
  const calls = { ...fileCalls, ...o.calls }
  const closing = new AbortController()
  let db: Index | undefined
  let changeLog: ChangeLog | undefined
  try {
    const made = makeFolders(o.path)
    const root = await realpath(o.path)
    const peers = o.peers ?? alone
    const guard = new WriteGuard({ calls, root, minFree: o.minFree, log, peers })
    const blobs = new BlobStore({ root, calls, guard, fsync: o.fsync === 'full', groupReads: o.groupReads ?? false })
    await blobs.prepare(parentsOfMade(made, o.path))
    assertNotLost(root, calls, o.expected)
    const indexFile = blobs.layout.index
    const waiting = {
      // A replacement worker that fails would only be started again.
      patience: peers.isReplacement ? Infinity : startPatience,
      onWait: () => log.warn({ file: indexFile }, 'waiting for another process that has locked the object index'),
    }
    const index = await whileBusy(() => openIndex(indexFile, { timeout: 25 }), waiting)
    db = index
    const { packSize } = o
    changeLog = new ChangeLog({
      root,
      calls,
      guard,
      fsync: o.fsync === 'full',
      temporaryName: () => blobs.writer.temporaryName(),
      ...(packSize && { packSize }),
    })
    const queue = new CommitQueue({ db, guard, log: changeLog, now: o.now })
    const starting = { root, db: index, log: changeLog, queue, calls, expected: o.expected, report: log }
    const position = await whileBusy(() => startLog(starting), waiting)
    const times = {
      grace: o.grace ?? 60,
      abandonedAfter: o.abandonedAfter ?? 86_400,
      keepOrphans: o.keepOrphans ?? 7 * 86_400,
    }
    const shared = {
      queue,
      blobs,
      descriptors: new DescriptorCache(blobs, calls),
      peers,
      readers: new HoldCounts<string>(),
      handedOff: new HandedOff(times.grace),
      closing: closing.signal,
    }
    const buckets = new BucketRows(db)
    const objects = new ObjectRows(db)
    const ctx: DiskContext = {
      ...shared,
      garbage: new Garbage(shared, db, log),
      gatewayBucket: o.bucket,
      buckets,
      quota: new OwnerQuota({
        limits: o.ownerLimits ?? { bytes: null, objects: null },
        exempt: gatewayOwner,
        buckets,
        usage: new UsageRows(db),
        queue,
        peers,
      }),
      objects,
      versions: new VersionRows(db, objects),
      uploads: new UploadRows(db),
      calls,
      guard,
      buffers: new BufferPool(),
      hashing: new HashThread({ blockSize }),
      bodies: { running: 0 },
      writers: new HoldCounts(),
      now: o.now,
    }
    answerPeers(ctx)
    const addBucket = (): Promise<unknown> =>
      queue.run(() => ctx.buckets.add(o.bucket, gatewayOwner, o.now(), 'private'))
    assertPlain(ctx.buckets.find(o.bucket))
    if (!ctx.buckets.find(o.bucket)) await whileBusy(addBucket, waiting)
    const sweeper = new Sweeper(ctx, db, { log, times, mayDelete: o.mayDelete ?? (() => true) })
    const sweeps = new SweepSchedule(sweeper, log)
    const upkeep = new LogUpkeep({ root, db, queue, calls, log })
    const scrub = o.sweepOnStart && o.scrubEvery ? startScrub(o, { ctx, root, db, log, every: o.scrubEvery }) : null
    if (o.sweepOnStart) {
      if (o.sweepOnStart === true) await sweeper.tempFiles(0)
      void sweeps.inBackground(() => sweeper.files())
      sweeps.start()
      upkeep.start()
    }
    return assemble(o, ctx, db, { sweeper, sweeps, scrub, closing, upkeep, changeLog, storeId: position.store })
  } catch (cause) {
    changeLog?.close()
    db?.close()
    const error = toStorageError(cause, { index: new BlobLayout(o.path).index })
    throw o.fsync === 'none' ? afterUnsynced(error) : error
  }
}

/** The gateway's bucket cannot have settings that delete, keep or lock its objects. Errors: Unavailable. */
function assertPlain(row: BucketRow | undefined): void {
  const { versioning, objectLock, lifecycle } = JSON.parse(row?.configuration ?? '{}') as BucketConfiguration
  const found = Object.entries({ versioning, 'object lock': objectLock, 'lifecycle rules': lifecycle })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name)
  if (found.length === 0) return
  throw new StorageError('Unavailable', {
    message:
      `The bucket ${row!.name} of storage.bucket has ${found.join(' and ')}, which the gateway's own bucket cannot have: ` +
      'name another bucket in storage.bucket, or remove the setting while another bucket is configured.',
  })
}

/** Answers the questions of other processes. */
function answerPeers({ peers, writers, readers, handedOff, descriptors }: DiskContext): void {
  peers.answer(isWriting, (key) => writers.has(key))
  // Closes cached descriptors of garbage that is not read here any more, so that its space is freed.
  peers.answer(blobsInUse, (blobs) => {
    for (const blob of blobs) if (!readers.has(blob)) descriptors.forget(blob)
    return blobs.filter((blob) => readers.has(blob) || handedOff.has(blob))
  })
}

type Background = {
  sweeper: Sweeper
  sweeps: SweepSchedule
  scrub: Scrub | null
  closing: AbortController
  upkeep: LogUpkeep
  changeLog: ChangeLog
  storeId: string
}

function startScrub(
  o: DiskDriverOptions,
  { ctx, ...deps }: { ctx: DiskContext; root: string; db: Index; log: DiskLog; every: number },
): Scrub {
  const isBusy = (): boolean => ctx.readers.size > 0 || ctx.writers.size > 0
  const scrub = new Scrub({ ...deps, isBusy, delay: o.scrubDelay ?? 60 })
  scrub.start()
  return scrub
}

function assemble(o: DiskDriverOptions, ctx: DiskContext, db: Index, background: Background): StorageDriver {
  const { sweeper, sweeps, scrub, closing, upkeep, changeLog } = background
  const answering = db.prepare('SELECT 1')
  const pairing = new Pairing(db)
  const proveWrite = createWriteProbe(ctx, { sync: o.fsync === 'full' })
  const reads = createReads(ctx)
  const writes = createWrites(ctx)
  const usage = new UsageRows(db)
  let closed: Promise<void> | null = null

  async function close(): Promise<void> {
    closing.abort(new StorageError('Unavailable', { message: 'The store is closing.' }))
    await Promise.all([sweeps.stop(), ctx.garbage.stop(), scrub?.stop(), upkeep.stop(), ctx.hashing.close()])
    ctx.queue.close()
    ctx.descriptors.close()
    changeLog.close()
    db.close()
    ctx.blobs.writer.close()
  }

  const operations = {
    ...createBucketStore(ctx),
    ...reads,
    ...writes,
    ...createCopy(ctx, reads),
    ...createListing(ctx, db),
    ...createVersionListing(ctx, db),
    ...createMultipart(ctx, reads),
    ...createCompletion(ctx),
    ...createUploadListing(ctx),
    ...createIdleUploads(ctx, db, writes),
    ...createPresigner(o),
    ...createPostPresigner(o),

    async checkReady({ byWriting = false } = {}): Promise<void> {
      answering.get()
      if (byWriting) await proveWrite()
      else await ctx.guard.assertWritable(0)
    },

    async usageOfOwners(): Promise<OwnerUsage[]> {
      return usage.all()
    },

    async sweep(): Promise<{ removed: number }> {
      return { removed: await sweeps.run(() => sweeper.all()) }
    },
  }
  return {
    ...translated(operations, { assertOpen: () => closing.signal.throwIfAborted(), index: db.name }),
    isBeingWritten: operations.isBeingWritten,
    lacksNotes: operations.lacksNotes,
    scrubStatus: () => scrub?.status() ?? null,
    publicUrl: operations.publicUrl,
    runLifecycle: () => sweeps.run(() => sweeper.lifecycle()),
    snapshots: createSnapshots(ctx, db),
    name: 'disk',
    storeId: background.storeId,
    paired: {
      generation: () => pairing.read(),
      fit: (catalog) => fitOf(catalog, pairing.read()),
      enterGeneration: (generation) => ctx.queue.run(() => pairing.enter(generation)),
    },
    capabilities,
    limits,
    close: () => (closed ??= close()),
  }
}

/** Translates every error of an operation to a StorageError. After `close`, operations fail. */
function translated<T extends object>(operations: T, o: { assertOpen: () => void; index: string }): T {
  const wrapped = Object.entries(operations as Record<string, (...args: unknown[]) => unknown>).map(([name, run]) => [
    name,
    async (...args: unknown[]) => {
      try {
        o.assertOpen()
        return await run(...args)
      } catch (cause) {
        throw toStorageError(cause, o)
      }
    },
  ])
  return Object.fromEntries(wrapped) as T
}
