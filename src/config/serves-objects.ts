import type { Config } from './config.ts'

/** Whether presigned URLs name the objects endpoint of this gateway. Else they name the bucket. */
export const servesObjects = ({ storage }: Pick<Config, 'storage'>): boolean =>
  storage.driver === 'disk' || storage.delivery === 'proxied'
