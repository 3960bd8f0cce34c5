/**
 * The s3 driver against this project's own objects endpoint, taken for AWS: what the driver asks of a store and what
 * the endpoint answers as one must agree, and nothing of it is left out as a store's peculiarity.
 */
import { startGateway } from '../fixtures/gateway.ts'
import { driverSuite } from './driver-suite.ts'
import { knownDifferences, openOn, owner } from './own-endpoint.ts'

driverSuite(
  's3 on the own objects endpoint',
  async () => {
    const gateway = await startGateway({ keys: [owner] })
    const { driver, bucket } = await openOn(gateway.objectsUrl)
    return {
      driver,
      bucket,
      async close() {
        await driver.close()
        await gateway.close()
      },
    }
  },
  { knownDifferences },
)
