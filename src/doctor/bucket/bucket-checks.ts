import type { Check } from '../check.ts'
import { checksum, copySource, ifNoneMatch, postPolicy, publicEndpoint, roundTrip } from './presigned-checks.ts'
import { clock, credentials, exists, reach, region, session } from './access-checks.ts'
import { cors } from './cors-check.ts'
import { get, list, multipart, put, range, remove } from './object-checks.ts'
import type { StoreProbe } from './store-probe.ts'

/** What the server needs from a store. */
const needed: readonly Check<StoreProbe>[] = [
  reach,
  clock,
  credentials,
  session,
  region,
  exists,
  put,
  get,
  range,
  list,
  multipart,
]

/** The minimum that must work before the server accepts uploads. */
export const startChecks: readonly Check<StoreProbe>[] = [reach, clock, credentials, region, exists, put]

/** What clients with presigned URLs need, and what the URLs must forbid. */
export const endpointChecks = (origins: readonly string[]): Check<StoreProbe>[] => [
  publicEndpoint,
  roundTrip,
  ...origins.map(cors),
  checksum,
  copySource,
  ifNoneMatch,
  postPolicy,
]

/** `delete` runs last, because other checks read the object that `put` wrote. */
export const bucketChecks = (origins: readonly string[]): Check<StoreProbe>[] => [
  ...needed,
  ...endpointChecks(origins),
  remove,
]

/** For a bucket that only the server accesses (`storage.delivery: proxied`). Clients use the objects endpoint. */
export const hiddenBucketChecks: readonly Check<StoreProbe>[] = [...needed, remove]
