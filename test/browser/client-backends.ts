/** The stores that the client is proved against, each behind a proxy that stands where upload URLs point. */
import { startGateway } from '../fixtures/gateway.ts'
import type { Backend } from './client-rig.ts'
import { startGatewayOnS3 } from './gateway-on-s3.ts'

export const onDisk: Backend = {
  showsRefusals: true,
  async start(objectsUrl, overrides) {
    // On the API's port, whose number is known before the URLs of objects are.
    const objects = { listen: 'shared', publicUrl: `${objectsUrl}/objects` }
    const gateway = await startGateway({ ...overrides, objects }, { dev: true })
    return { gateway, store: gateway.apiUrl }
  },
}

export const onS3: Backend = {
  showsRefusals: false,
  async start(objectsUrl, overrides) {
    const gateway = await startGatewayOnS3(overrides, { dev: true, publicEndpoint: objectsUrl })
    return { gateway, store: process.env['S3_TEST_ENDPOINT']! }
  },
}
