/**
 * The s3 driver against Postern's objects endpoint, with the preset for AWS. The driver's requests and the endpoint's
 * responses must agree without any exception for the store.
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
