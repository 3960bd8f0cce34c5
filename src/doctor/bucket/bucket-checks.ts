import type { Check } from '../check.ts'
import { checksum } from './checksum.ts'
import { clock } from './clock.ts'
import { copySource } from './copy-source.ts'
import { cors } from './cors.ts'
import { credentials } from './credentials.ts'
import { exists } from './exists.ts'
import { get } from './get.ts'
import { ifNoneMatch } from './if-none-match.ts'
import { list } from './list.ts'
import { multipart } from './multipart.ts'
import { postPolicy } from './post-policy.ts'
import { publicEndpoint } from './public-endpoint.ts'
import { put } from './put.ts'
import { range } from './range.ts'
import { reach } from './reach.ts'
import { region } from './region.ts'
import { remove } from './delete.ts'
import { roundTrip } from './round-trip.ts'
import { session } from './session.ts'
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
