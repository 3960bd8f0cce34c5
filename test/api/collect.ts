import { pino } from 'pino'
import { collectExpired, type Collected } from '../../src/service/maintenance/collect-expired.ts'
import type { RunningGateway } from '../fixtures/gateway.ts'

/** One pass of the collector, which the gateway runs once a minute by itself. */
export const collect = (of: RunningGateway, now = (): Date => new Date()): Promise<Collected> => {
  const { stores, catalog, config } = of.gateway
  const log = pino({ level: 'silent' })
  return collectExpired({ stores, catalog, config, now, log, urls: { api: () => of.apiUrl } })
}
