import { gatewayOwner } from '../gateway-names.ts'
import type { BucketInfo } from './driver.ts'

/** The one bucket of a store without bucket operations. Such a store reports neither its date nor its configuration. */
export const gatewayBucket = (bucket: string): BucketInfo => ({
  bucket,
  owner: gatewayOwner,
  createdAt: new Date(0),
  acl: 'private',
  cors: null,
  configuration: {},
})
