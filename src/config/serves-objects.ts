import { registrationOf } from '../drivers/registry.ts'
import type { Config } from './config.ts'

/** Whether presigned URLs name the objects endpoint of this gateway. Else they name the bucket. */
export const servesObjects = ({ storage }: Pick<Config, 'storage'>): boolean =>
  !registrationOf(storage.driver).hasOwnUrls || storage.delivery === 'proxied'
