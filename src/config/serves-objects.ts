import { registrationOf } from '../drivers/registry.ts'
import type { Config } from './config.ts'

/** Whether presigned URLs point to the objects endpoint of this gateway. Otherwise they point to the bucket. */
export const servesObjects = ({ storage }: Pick<Config, 'storage'>): boolean =>
  !registrationOf(storage.driver).hasOwnUrls || storage.delivery === 'proxied'
