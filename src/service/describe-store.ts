import { statfs } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { ServiceDeps } from './deps.ts'

/** Where bytes go, as any user may know it: no path of the machine, no credentials. */
export type StoreDescription =
  | {
      driver: 'disk'
      bucket: string
      folder: string
      /** null where the system does not tell. */ freeBytes: number | null
    }
  | {
      driver: 's3'
      delivery: 'direct' | 'proxied'
      bucket: string
      provider: string
      region: string | null
      /** `host[:port]`; null: AWS. */
      endpoint: string | null
    }

export async function describeStore({ config: { storage } }: Pick<ServiceDeps, 'config'>): Promise<StoreDescription> {
  const { bucket, disk, s3, delivery } = storage
  if (storage.driver === 's3') {
    const { provider, region } = s3
    const endpoint = s3.publicEndpoint ?? s3.endpoint
    return { driver: 's3', delivery, bucket, provider, region, endpoint: endpoint && new URL(endpoint).host }
  }
  const path = resolve(disk.path)
  const freeBytes = await statfs(path).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => null,
  )
  return { driver: 'disk', bucket, folder: basename(path), freeBytes }
}
