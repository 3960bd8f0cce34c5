/** Step 1: opens what this process shares with others, the catalog and the counts of the rate limit. */
import { createRateLimit } from '../api/rate-limit.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { createCatalog } from '../catalog/create-catalog.ts'
import { agreementOf } from '../cluster/agreement.ts'
import { joinInstances } from '../cluster/instances.ts'
import type { Config } from '../config/config.ts'
import type { LiveKeys } from '../config/live-keys.ts'
import { gatewayOwner } from '../gateway-names.ts'
import { whileBusy } from '../sqlite-lock.ts'
import type { ResolvedOptions } from './gateway.ts'

export type Shared = {
  /** Migrated to the current schema. */
  catalog: Catalog
  rates: Awaited<ReturnType<typeof createRateLimit>>
  /** Removes this process from the instances, then closes both. */
  close(): Promise<void>
}

export function joinOthers(config: Config, o: ResolvedOptions, keys: LiveKeys): Promise<Shared> {
  // The catalog itself waits for a few seconds. A replacement worker that gave up would only be started again.
  const patience = o.peers.isReplacement ? Infinity : 0
  const onWait = (): void => o.log.warn({}, 'another process has locked the catalog, waiting until it is released')
  return whileBusy(() => join(config, o, keys), { patience, onWait })
}

async function join(config: Config, o: ResolvedOptions, keys: LiveKeys): Promise<Shared> {
  const { now, log, peers, testMode } = o
  const subscribers = [...config.webhooks.map(({ url, events }) => ({ url, events })), ...(testMode?.subscribers ?? [])]
  const catalog = await createCatalog({ url: config.database.url, subscribers })
  try {
    await catalog.migrate()
    const ofGateway = () => keys.accepted().filter(({ owner }) => owner === gatewayOwner)
    const agreement = () => agreementOf(config, { tokens: keys.tokens(), urls: ofGateway() }, now())
    const membership = peers.index === 0 ? await joinInstances({ config, catalog, agreement, now, log }) : null
    const rates = await createRateLimit(config, { log, isWorker: peers.count > 1 })
    return {
      catalog: testMode ? testMode.events.watch(catalog) : catalog,
      rates,
      async close() {
        try {
          await membership?.leave()
        } finally {
          rates.close()
          await catalog.close()
        }
      },
    }
  } catch (error) {
    // Open connections would keep the process running.
    await catalog.close().catch(() => {})
    throw error
  }
}
