/** The shared context of the driver's operations, created once in disk-driver.ts. */
import type { ObjectRef } from '../driver.ts'
import { question, type Peers } from '../peers.ts'
import type { BlobStore } from './blob-store.ts'
import type { BucketRows } from './bucket-rows.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { CommitQueue } from './commit-queue.ts'
import type { DescriptorCache } from './descriptor-cache.ts'
import type { FileCalls } from './file-calls.ts'
import type { Garbage, HandedOff } from './garbage.ts'
import type { HashThread } from './hash-thread.ts'
import type { ObjectRows } from './object-rows.ts'
import type { OwnerQuota } from './quota/owner-quota.ts'
import type { HoldCounts } from './hold-counts.ts'
import type { UploadRows } from './upload-rows.ts'
import type { VersionRows } from './versions/version-rows.ts'
import type { WriteGuard } from './write-guard.ts'

/** Whether a process is writing an object, by `writtenKey`. */
export const isWriting = question<string, boolean>('disk.writing')

export type DiskContext = {
  buckets: BucketRows
  objects: ObjectRows
  versions: VersionRows
  uploads: UploadRows
  quota: OwnerQuota
  queue: CommitQueue
  blobs: BlobStore
  calls: FileCalls
  guard: WriteGuard
  /** For uploads. */
  hashing: HashThread
  bodies: { running: number }
  descriptors: DescriptorCache
  /** For downloads. */
  buffers: BufferPool
  peers: Peers
  /** Blobs that a reader in this process may still open. They are not deleted. */
  readers: HoldCounts<string>
  /** Blobs that a front proxy may still open by path. They are not deleted. */
  handedOff: HandedOff
  garbage: Garbage
  /** Replaced bytes of this bucket are deleted without a grace period. */
  gatewayBucket: string
  /** Keys with a running write in this process, in the form of `writtenKey`. */
  writers: HoldCounts<string>
  /** Aborted when the driver closes. */
  closing: AbortSignal
  now: () => Date
}

export const writtenKey = ({ bucket, key }: ObjectRef): string => `${bucket}/${key}`
