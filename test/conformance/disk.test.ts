import { startGateway } from '../fixtures/gateway.ts'
import { diskFixture } from '../drivers/disk-fixture.ts'
import { driverSuite } from './driver-suite.ts'

driverSuite('disk', async () => {
  const { driver, bucket, close } = await diskFixture({ grace: 0 })
  return { driver, bucket, http: false, close }
})

driverSuite('disk, its URLs served by a gateway', async () => {
  const running = await startGateway({ uploads: { maxSize: '5GiB' } })
  const { driver, config } = running.gateway
  return { driver, bucket: config.storage.bucket, http: true, close: () => running.close() }
})
