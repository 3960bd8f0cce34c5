/** The API alone on the stores of a running gateway, for settings that a gateway refuses. */
import { createSecretKey } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { createApi, type ApiDeps } from '../../src/api/app.ts'
import { createTokenVerifier } from '../../src/api/token.ts'
import { createReadiness } from '../../src/service/stores/readiness.ts'
import { createRequestLog } from '../../src/http/request-log.ts'
import { testSecrets, type RunningGateway } from '../fixtures/gateway.ts'

const secrets = [{ secret: createSecretKey(Buffer.from(testSecrets.jwtSecret)) }]

export async function serveApi(of: RunningGateway, change: Partial<ApiDeps>): Promise<{ url: string; close(): void }> {
  const { stores, catalog, config } = of.gateway
  const log = pino({ level: 'silent' })
  const now = (): Date => new Date()
  const store = (change.stores ?? stores).current
  const deps: Omit<ApiDeps, 'verifyToken'> = {
    stores,
    catalog,
    config,
    now,
    log,
    readiness: createReadiness([{ name: 'store', check: () => store.checkReady({ byWriting: true }) }], { log, now }),
    urls: { api: () => of.apiUrl },
    tokens: { accepted: () => secrets, reload: () => {} },
    objectsOrigin: () => of.objectsUrl,
    dev: false,
    detailsUrl: null,
    secretsFolder: null,
    isDraining: () => false,
    limit: async () => {},
    limitRequests: async () => {},
    countFailure: async () => {},
    requests: createRequestLog(),
    sinks: [],
    version: () => '0.0.0',
    metrics: { expose: async () => ({ contentType: 'text/plain', text: '' }) },
    explain: null,
    settings: () => [],
    ...change,
  }
  const verifyToken = createTokenVerifier({ auth: deps.config.auth, secrets: deps.tokens, now: deps.now })
  const app = createApi({ verifyToken, ...deps })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
}
