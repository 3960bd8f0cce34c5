/** Stores objects in a local folder. */
import { statfs } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { z } from 'zod'
import { isThere } from '../../cannot-open.ts'
import { duration, size } from '../../config/values.ts'
import type { DriverRegistration } from '../registration.ts'
import { BlobLayout } from './blob-layout.ts'

const configSchema = z.strictObject({
  path: z.string().min(1),
  fsync: z.enum(['full', 'none']),
  minFree: size,
  /** How many seconds orphaned blobs stay in quarantine. */
  keepOrphans: duration,
  /** Length of one scrub pass, in seconds. null switches it off. */
  scrubEvery: duration.nullable(),
})

export const disk = {
  name: 'disk' as const,
  configSchema,
  secretSettings: [],
  variables: [],
  hasOwnUrls: false,
  folder: ({ path }) => path,
  example: 'storage: { disk: { path: "the folder that held them" } }',
  check: () => [],
  isConfigured: ({ path }) => isThere(new BlobLayout(path).index),
  identify: (_, bucket) => `disk ${bucket}`,
  async describe({ path }, { bucket }) {
    const folder = resolve(path)
    const freeBytes = await freeAt(folder)
    return {
      status: { driver: 'disk', bucket, folder: basename(folder), freeBytes },
      place: { driver: 'disk', path: folder, freeBytes },
      line: `disk: ${folder}${freeBytes === null ? '' : ` (${humanSize(freeBytes)} free)`}`,
      freeBytes,
    }
  },
  async open(settings, o) {
    const [{ createDiskDriver }, expected] = await Promise.all([import('./disk-driver.ts'), o.expected?.()])
    return createDiskDriver({
      ...settings,
      ...o.endpoint,
      bucket: o.bucket,
      groupReads: o.groupReads,
      ownerLimits: o.ownerLimits,
      sweepOnStart: o.sweepOnStart,
      ...(o.mayDelete && { mayDelete: o.mayDelete }),
      peers: o.peers,
      log: o.log,
      ...(expected && { expected }),
    })
  },
} satisfies DriverRegistration<typeof configSchema>

const freeAt = (folder: string): Promise<number | null> =>
  statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => null,
  )

function humanSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${Math.round(bytes / 1024 ** step)} ${units[step]}`
}
