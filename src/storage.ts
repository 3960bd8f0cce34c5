/** Which driver a configuration means. */
import type { Config } from './config/schema.ts'
import type { Secrets } from './config/secrets.ts'
import { createDiskDriver, type DiskDriverOptions } from './drivers/disk/disk-driver.ts'
import type { StorageDriver } from './drivers/driver.ts'
import { alone, type Peers } from './drivers/peers.ts'
import type { Logger } from './http/logger.ts'
import { objectsBaseUrl } from './http/public-urls.ts'
import type { SigningCredentials } from './sigv4/types.ts'

export type StorageOptions = {
  secrets: Secrets
  log: Logger
  now?: () => Date
  /** Processes that share the disk of this one. Default: there is none. */
  peers?: Peers
}

/** The storage driver of a configuration, alone. `objectsUrl` is where the disk driver's URLs point. */
export async function createStorage(
  config: Config,
  o: StorageOptions & {
    objectsUrl?: () => string
    signing?: () => SigningCredentials
    sweepOnStart?: DiskDriverOptions['sweepOnStart']
  },
): Promise<StorageDriver> {
  const { storage, objects, downloads } = config
  const now = o.now ?? (() => new Date())
  const endpoint = {
    publicUrl: o.objectsUrl ?? (() => objectsBaseUrl(config, null)),
    region: objects.region,
    credentials: o.signing ?? o.secrets.signing,
    now,
  }
  if (storage.driver === 'disk') {
    const { bucket, disk } = storage
    return createDiskDriver({
      ...disk,
      groupReads: objects.sendfile !== 'off',
      ...endpoint,
      bucket,
      sweepOnStart: o.sweepOnStart ?? false,
      peers: o.peers ?? alone,
      log: o.log,
    })
  }
  const [{ createS3Driver }, { createProxiedDriver }] = await Promise.all([
    import('./drivers/s3/s3-driver.ts'),
    import('./drivers/proxied/proxied-driver.ts'),
  ])
  const { publicBaseUrl } = downloads
  const store = await createS3Driver({ ...storage.s3, bucket: storage.bucket, publicBaseUrl, now, log: o.log })
  return storage.delivery === 'proxied' ? createProxiedDriver(store, { ...endpoint, peers: o.peers ?? alone }) : store
}

/** Whether URLs point to this process: the disk driver's always, a bucket's where it is proxied. */
export const servesObjects = ({ storage }: Config): boolean =>
  storage.driver === 'disk' || storage.delivery === 'proxied'

/** Where the browser will go for bytes: whatever host the presigned URLs name. */
export async function urlOfBucket(driver: StorageDriver, { storage }: Config): Promise<string> {
  try {
    return (await driver.presignHead({ bucket: storage.bucket, key: 'origin' }, { expiresIn: 60 })).url
  } catch {
    // No credentials yet: the start goes on, and readiness tells.
    return storage.s3.publicEndpoint ?? storage.s3.endpoint ?? `https://${storage.bucket}.s3.amazonaws.com`
  }
}
