import { diskFixture } from '../drivers/disk-fixture.ts'
import { driverSuite } from './driver-suite.ts'

driverSuite('disk', async () => {
  const { driver, bucket, close } = await diskFixture({ grace: 0 })
  return { driver, bucket, http: false, close }
})
