import type { Check } from '../check.ts'
import { checksum, copySource, ifNoneMatch, postPolicy, publicEndpoint, roundTrip } from './presigned-checks.ts'
import { clock, credentials, exists, reach, region, session } from './access-checks.ts'
import { cors } from './cors-check.ts'
import { get, list, multipart, put, range, remove } from './object-checks.ts'
import type { StoreProbe } from './store-probe.ts'

/** What the server itself asks of a store. */
const asked: readonly Check<StoreProbe>[] = [
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

/** The least that must work before an upload can be taken. */
export const startChecks: readonly Check<StoreProbe>[] = [reach, clock, credentials, region, exists, put]

/** What holders of URLs meet: browsers, and those who try what a URL does not allow. */
const met = (origins: readonly string[]): Check<StoreProbe>[] => [
  publicEndpoint,
  roundTrip,
  ...origins.map(cors),
  checksum,
  copySource,
  ifNoneMatch,
  postPolicy,
]

/** In this order; `delete` last, for the others read what `put` wrote. */
export const bucketChecks = (origins: readonly string[]): Check<StoreProbe>[] => [...asked, ...met(origins), remove]

/** Of a bucket that only the server sees, and of our endpoint before it (`storage.delivery: proxied`). */
export const hiddenBucketChecks: readonly Check<StoreProbe>[] = [...asked, remove]
export const endpointChecks = met
