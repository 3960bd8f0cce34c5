/** The composition root: creates a gateway in five steps, one file each in `gateway/`. */
import type { Catalog } from './catalog/catalog.ts'
import type { Config } from './config/config.ts'
import { openLiveKeys } from './config/live-keys.ts'
import { stateFolder } from './config/state-folder.ts'
import type { StorageDriver } from './drivers/driver.ts'
import { alone } from './drivers/peers.ts'
import { createRunningWrites } from './drivers/running-writes.ts'
import { createApps } from './gateway/create-apps.ts'
import type { Gateway, GatewayOptions } from './gateway/gateway.ts'
import { joinOthers } from './gateway/join-others.ts'
import { observe } from './gateway/observe.ts'
import { openStores } from './gateway/open-stores.ts'
import { runGateway } from './gateway/run.ts'
import { publicUrls } from './http/public-urls.ts'
import type { ServiceDeps } from './service/deps.ts'
import { watchClock } from './service/maintenance/steady-clock.ts'
import { keepGeneration } from './service/stores/keep-generation.ts'
import { createReadiness } from './service/stores/readiness.ts'
import { createStores } from './service/stores/stores.ts'
import type { TestMode } from './testing/test-mode.ts'
import type { TestState } from './testing/test-state.ts'

export type { Gateway, GatewayApp, GatewayOptions } from './gateway/gateway.ts'

export async function createGateway(config: Config, options: GatewayOptions): Promise<Gateway> {
  const o = {
    ...options,
    dev: options.dev ?? false,
    now: options.now ?? options.testMode?.clock.now ?? (() => new Date()),
    peers: options.peers ?? alone,
  }
  const { log, now, peers, testMode } = o
  const urls = publicUrls(config)
  const keys = openLiveKeys({
    folder: stateFolder(config),
    secrets: o.secrets,
    configured: config.keys,
    authSecret: config.auth.secret,
    log,
  })
  const clock = watchClock({ log, stableFor: config.server.clockStableFor })

  const shared = await joinOthers(config, o, keys)
  const { catalog } = shared
  const opened = await openStores(config, o, {
    shared,
    objectsUrl: urls.objects,
    signing: keys.signing,
    mayDelete: clock.isSteady,
  })
  const { driver } = opened

  const writes = createRunningWrites(peers)
  const stores = createStores(driver, opened.others)
  const service: ServiceDeps = {
    stores,
    catalog,
    config,
    now,
    log,
    urls: { api: urls.api },
    endWrites: writes.end,
    dev: o.dev,
  }
  const generations = keepGeneration(service, { moves: peers.index === 0, isReplacement: peers.isReplacement })
  await generations.begin()
  const readiness = createReadiness(
    [
      { name: 'store', check: () => driver.checkReady({ byWriting: true }) },
      { name: 'database', check: () => catalog.checkReady().then(() => generations.assertFits()) },
    ],
    { log, now },
  )

  const observers = await observe(config, o, { catalog, driver, apiUrl: urls.api })
  const testState = testMode ? await openTestState({ mode: testMode, catalog, driver }) : null
  const draining = { value: false }
  const apps = await createApps(o, {
    service,
    stores: opened,
    shared,
    observers,
    keys,
    urls,
    readiness,
    isDraining: () => draining.value,
    testState,
    writes,
  })
  const running = await runGateway(o, {
    service,
    apps,
    shared,
    observers,
    urls,
    readiness,
    generations,
    clock,
    draining,
  })
  return {
    config,
    api: apps.api as Gateway['api'],
    objects: apps.objects as Gateway['objects'],
    handler: apps.handler,
    driver,
    stores,
    catalog,
    testState,
    testMode: testMode ?? null,
    readiness,
    ...running,
  }
}

/** Loaded in test mode only. */
async function openTestState(o: { mode: TestMode; catalog: Catalog; driver: StorageDriver }): Promise<TestState> {
  const { createTestState } = await import('./testing/test-state.ts')
  return createTestState(o)
}
