/** The store that `postern doctor` checks, and the keys to use. */
import type { Config } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import type { StoreTarget } from '../doctor/bucket/store-probe.ts'
import { registrationOf, settingsOf } from '../drivers/registry.ts'
import { CliError } from './cli-error.ts'

export type Endpoints = Pick<StoreTarget, 'endpoint' | 'publicEndpoint' | 'named'>
type Asked = Pick<StoreTarget, 'origins' | 'now'>

/** The gateway's own objects endpoint, whatever store is behind it. */
export function endpointTarget(config: Config, { signing }: Secrets, at: Endpoints, asked: Asked): StoreTarget {
  return {
    isOwnEndpoint: true,
    settings: { endpoint: 'objects.listen', publicEndpoint: 'objects.publicUrl', region: 'objects.region' },
    ...at,
    ...asked,
    bucket: config.storage.bucket,
    region: config.objects.region,
    pathStyle: true,
    prefix: '',
    credentials: { accessKeyId: signing.accessKeyId, secretAccessKey: signing.secretAccessKey },
    expiration: null,
    provider: 'postern',
    signsLength: true,
    longestUrl: longestUrl(config),
  }
}

/** The bucket of the current driver. Errors: those of the credentials' source, or StorageError NotSupported. */
export async function bucketTarget(config: Config, asked: Asked): Promise<StoreTarget> {
  const { bucket, delivery, driver } = config.storage
  const registration = registrationOf(driver)
  const settings = settingsOf(config.storage, registration)
  const store = await registration.doctorChecks?.(settings, { bucket, now: asked.now })
  if (!store) throw new CliError(`postern doctor cannot check a store of the ${driver} driver.`, 1)
  const named = { url: store.publicEndpoint, setting: `storage.${driver}.publicEndpoint` }
  const of = (name: string): string => `storage.${driver}.${name}`
  return {
    isOwnEndpoint: false,
    ...store,
    settings: { endpoint: of('endpoint'), publicEndpoint: named.setting, region: of('region') },
    named,
    bucket,
    longestUrl: delivery === 'proxied' ? null : longestUrl(config),
    ...asked,
  }
}

const longestUrl = ({ uploads, downloads }: Config): number => Math.max(uploads.expiresIn, downloads.expiresIn)
