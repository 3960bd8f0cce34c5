import { StorageError } from '../../errors.ts'
import type { BucketChange, BucketConfiguration, BucketInfo, BucketStore, CorsRule } from '../driver.ts'
import { aclText, parseAcl } from './acl-text.ts'
import type { BucketRow } from './bucket-rows.ts'
import type { DiskContext } from './context.ts'
import { assertBucketName, assertBucketTags, assertKey } from '../rules.ts'
import { compareText, textAfter, textRightAfter } from './text-order.ts'
import { demandObject } from './versions/find-version.ts'

export function createBucketStore(ctx: DiskContext): BucketStore {
  const { buckets, uploads, queue, now } = ctx
  return {
    createBucket: async (bucket, o) => {
      assertBucketName(bucket)
      assertBucketTags(o.configuration?.tags ?? {})
      return queue.run(() => {
        const added = buckets.add(bucket, o.owner, now(), o.acl ?? 'private', o.configuration)
        const row = buckets.demand(bucket)
        if (added) return toInfo(row)
        const mine = row.owner === o.owner
        throw new StorageError(mine ? 'BucketAlreadyOwnedByYou' : 'BucketAlreadyExists', {
          message: mine
            ? 'Your previous request to create the named bucket succeeded and you already own it.'
            : 'The requested bucket name is not available.',
          resource: `/${bucket}`,
          details: { BucketName: bucket },
        })
      })
    },

    headBucket: async (bucket) => toInfo(buckets.demand(bucket)),

    deleteBucket: (bucket) =>
      queue.run(() => {
        buckets.demand(bucket)
        if (buckets.hasObjects(bucket))
          throw new StorageError('BucketNotEmpty', {
            message: 'The bucket you tried to delete is not empty',
            resource: `/${bucket}`,
            details: { BucketName: bucket },
          })
        uploads.removeBucket(bucket, now().getTime())
        buckets.remove(bucket)
      }),

    listBuckets: async (o) => {
      const prefix = o.prefix ?? ''
      const after = o.after === undefined ? '' : textRightAfter(o.after)
      const from = compareText(after, prefix) > 0 ? after : prefix
      return buckets.list(o.owner, from, textAfter(prefix), o.max ?? 10_000).map(toInfo)
    },

    setBucketCors: (bucket, cors) =>
      queue.run(() => {
        buckets.demand(bucket)
        buckets.setCors(bucket, cors === null ? null : JSON.stringify(cors))
      }),

    setBucketAcl: (bucket, acl) =>
      queue.run(() => {
        buckets.demand(bucket)
        buckets.setAcl(bucket, acl)
      }),

    configureBucket: async (bucket, change) => {
      assertBucketTags(change.tags ?? {})
      await queue.run(() => {
        const { configuration } = toInfo(buckets.demand(bucket))
        const after = changed(configuration, change)
        assertLockKept(configuration, after)
        buckets.setConfiguration(bucket, after)
      })
    },

    setObjectAcl: async (ref, acl, o = {}) => {
      assertKey(ref)
      await queue.run(() => ctx.versions.change(demandObject(ctx, ref, o.versionId), { acl: aclText(acl) }))
    },
  }
}

/** Parsed configurations by their JSON, least recently used first. They must not be changed. */
const parsed = new Map<string, BucketConfiguration>()
const maxParsed = 100

function parseConfiguration(json: string): BucketConfiguration {
  const configuration = parsed.get(json) ?? (JSON.parse(json) as BucketConfiguration)
  parsed.delete(json)
  parsed.set(json, configuration)
  if (parsed.size > maxParsed) parsed.delete(parsed.keys().next().value!)
  return configuration
}

const toInfo = (row: BucketRow): BucketInfo => ({
  bucket: row.name,
  owner: row.owner,
  createdAt: new Date(row.created_at),
  acl: parseAcl(row.acl),
  cors: row.cors === null ? null : (JSON.parse(row.cors) as CorsRule[]),
  configuration: row.configuration === null ? {} : parseConfiguration(row.configuration),
})

/** Object lock stays, and needs versions. */
function assertLockKept(before: BucketConfiguration, after: BucketConfiguration): void {
  const refuse = (message: string): never => {
    throw new StorageError('InvalidBucketState', { message })
  }
  if (before.objectLock && !after.objectLock) refuse('Object Lock cannot be disabled')
  if (!after.objectLock || after.versioning === 'Enabled') return
  if (before.objectLock) {
    refuse('An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.')
  }
  refuse("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
}

const changed = (before: BucketConfiguration, change: BucketChange): BucketConfiguration =>
  Object.fromEntries(Object.entries({ ...before, ...change }).filter(([, value]) => value !== null))
