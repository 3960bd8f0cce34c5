import { startGateway } from '../fixtures/gateway.ts'
import { diskFixture } from '../drivers/disk-fixture.ts'
import { driverSuite } from './driver-suite.ts'

driverSuite('disk', () => diskFixture({ grace: 0 }), { knownDifferences: new Set(['unserved-urls']) })

driverSuite('disk, its URLs served by a gateway', async () => {
  const running = await startGateway({ uploads: { maxSize: '5GiB' } })
  const { driver, config } = running.gateway
  return { driver, bucket: config.storage.bucket, close: () => running.close() }
})
