/**
 * Runs the objects endpoint on a temporary port while the server is stopped, with the same store, without a catalog
 * or garbage collection.
 */
import type { Config } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import { createLogger } from '../http/logger.ts'
import { createServer } from '../http/server.ts'
import { gatewayOwner, publicPrefix } from '../gateway-names.ts'
import { createStorage } from '../storage.ts'
import { createObjectsApp } from '../s3/app.ts'
import { createKeyRing } from '../s3/key-ring.ts'

export type OwnEndpoint = { url: string; close(): Promise<void> }

/** On loopback only. Errors: those of the store. */
export async function openOwnEndpoint(config: Config, secrets: Secrets): Promise<OwnEndpoint> {
  const log = createLogger({ ...config.log, level: 'silent' })
  let url = ''
  const store = await createStorage(config, { secrets, log, objectsUrl: () => url })
  const now = (): Date => new Date()
  const app = createObjectsApp({
    store,
    keys: createKeyRing([{ ...secrets.signing, owner: gatewayOwner }], now),
    region: config.objects.region,
    gatewayBucket: config.storage.bucket,
    gatewayOwner,
    publicPrefix,
    pathPrefix: () => '',
    virtualHosts: null,
    corsOrigins: () => [...config.cors.origins, ...ownOrigin(config)],
    maxGatewayPut: config.uploads.maxSize,
    inlineTypes: config.downloads.inlineTypes,
    log,
    now,
  })
  const server = createServer(app.callback(), { log, shutdownTimeout: 1 })
  try {
    url = await server.listen({ host: '127.0.0.1', port: 0 })
  } catch (cause) {
    await store.close()
    throw cause
  }
  return {
    url,
    async close() {
      await server.close()
      await store.close()
    },
  }
}

/** The console uploads from the API's origin, whether or not cors.origins lists it. */
const ownOrigin = ({ server }: Config): string[] =>
  server.publicUrl === 'auto' ? [] : [new URL(server.publicUrl).origin]
