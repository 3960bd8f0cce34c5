/** The stores that the client is tested against, each behind a proxy at the address of the upload URLs. */
import { S3 } from '@aws-sdk/client-s3'
import { startGateway } from '../fixtures/gateway.ts'
import type { Backend } from './client-harness.ts'
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

const owner = { accessKeyId: 'AKIAOWNER', secretAccessKey: 'a secret of an owner of one bucket, for tests' }
const bucket = 'owned-elsewhere'
const region = 'us-east-1'

/** The s3 driver in front of this project's own endpoint, taken for AWS. */
export const onOwnEndpoint: Backend = {
  showsRefusals: true,
  async start(objectsUrl, overrides) {
    const store = await startGateway({ keys: [{ ...owner, owner: 'alice' }] })
    const endpoint = store.objectsUrl
    const s3 = new S3({ endpoint, region, forcePathStyle: true, credentials: { ...owner } })
    await s3.createBucket({ Bucket: bucket })
    s3.destroy()
    const settings = { provider: 'aws', region, endpoint, publicEndpoint: objectsUrl, forcePathStyle: true, ...owner }
    const gateway = await startGateway({ ...overrides, storage: { driver: 's3', bucket, s3: settings } }, { dev: true })
    const close = async (): Promise<void> => {
      await gateway.close()
      await store.close()
    }
    return { gateway: { ...gateway, close }, store: endpoint }
  },
}
