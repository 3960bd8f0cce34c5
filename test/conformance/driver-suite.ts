/** Tests the obligations of every driver in `src/drivers/driver.ts`. */
import { afterAll, beforeAll, describe } from 'vitest'
import { bodies } from './driver/bodies.ts'
import { buckets } from './driver/buckets.ts'
import { checksums } from './driver/checksums.ts'
import { conditions } from './driver/conditions.ts'
import { copies } from './driver/copies.ts'
import { keys } from './driver/object-keys.ts'
import { listing } from './driver/listing.ts'
import { multipartCompletion } from './driver/multipart-completion.ts'
import { multipart } from './driver/multipart.ts'
import { objects } from './driver/objects.ts'
import { presigning } from './driver/presigning.ts'
import { ranges } from './driver/ranges.ts'
import { sealing } from './driver/sealing.ts'
import { versions } from './driver/versions.ts'
import type { DriverFixture, KnownDifference, Suite } from './driver/suite-tools.ts'

export type { DriverFixture, KnownDifference } from './driver/suite-tools.ts'

const topics = {
  objects,
  bodies,
  keys,
  checksums,
  ranges,
  conditions,
  copies,
  listing,
  multipart,
  'multipart completion': multipartCompletion,
  sealing,
  presigning,
  buckets,
  versions,
} satisfies Record<string, (suite: Suite) => void>

export function driverSuite(
  name: string,
  makeDriver: () => Promise<DriverFixture>,
  o: { knownDifferences?: ReadonlySet<KnownDifference> } = {},
): void {
  describe(`storage driver: ${name}`, () => {
    let fixture: DriverFixture
    beforeAll(async () => {
      fixture = await makeDriver()
    }, 60_000)
    afterAll(() => fixture?.close(), 60_000)

    const suite: Suite = {
      get driver() {
        return fixture.driver
      },
      get bucket() {
        return fixture.bucket
      },
      differs: (difference) => o.knownDifferences?.has(difference) ?? false,
    }
    for (const [topic, tests] of Object.entries(topics)) describe(`${topic}`, () => void tests(suite))
  })
}
