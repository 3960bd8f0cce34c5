/** Step 5: starts the background work and the listeners, and stops both again. */
import { plainProblem } from '../api/plain-problem.ts'
import { allOrErrors, hasOwnSocket } from '../cluster/share-port.ts'
import type { ListenAddress } from '../config/config.ts'
import type { StorageDriver } from '../drivers/driver.ts'
import type { PlainAnswer } from '../http/connection-error.ts'
import { createConnectionLimit } from '../http/connection-limit.ts'
import { connectionsHere } from '../http/descriptor-limit.ts'
import type { PublicUrls } from '../http/public-urls.ts'
import { createServer, type HttpServer } from '../http/server.ts'
import type { RequestHandler } from '../http/shared-port.ts'
import { plainAnswer } from '../s3/plain-answer.ts'
import type { ServiceDeps } from '../service/deps.ts'
import { createNoting } from '../service/files/note-files.ts'
import { createCollector } from '../service/maintenance/collector.ts'
import type { SteadyClock } from '../service/maintenance/steady-clock.ts'
import type { GenerationKeeper } from '../service/stores/keep-generation.ts'
import type { Readiness } from '../service/stores/readiness.ts'
import type { Dispatcher } from '../webhooks/dispatcher.ts'
import type { Apps } from './create-apps.ts'
import type { Gateway, ResolvedOptions } from './gateway.ts'
import type { Shared } from './join-others.ts'
import type { Observers } from './observe.ts'

export type RunInput = {
  service: ServiceDeps
  apps: Apps
  shared: Shared
  observers: Observers
  urls: PublicUrls
  readiness: Readiness
  generations: GenerationKeeper
  clock: SteadyClock
  draining: { value: boolean }
}

export async function runGateway(
  { log, peers, loaded, testMode }: ResolvedOptions,
  from: RunInput,
): Promise<Pick<Gateway, 'start' | 'listen' | 'close'>> {
  const { service, apps, shared, observers, urls, readiness, generations, clock, draining } = from
  const { config } = service
  const collector = createCollector(service, { mayDelete: clock.isSteady })
  const noting = createNoting(service)
  const dispatcher = config.webhooks.length === 0 ? null : await openDispatcher(service)
  if (testMode) {
    testMode.runDue = async () => {
      await collector.run()
      await Promise.all(service.stores.all.map((store) => store.runLifecycle?.()))
      await dispatcher?.run()
    }
  }
  const servers: HttpServer[] = []
  const connectionLimit = createConnectionLimit({
    total: config.limits.connections,
    here: connectionsHere(config.limits.connections, {
      log,
      isDefault: loaded?.sources.get('limits.connections')?.from === 'default',
    }),
    perClient: config.limits.connectionsPerClient,
    trustedProxies: config.server.trustedProxies,
    counts: peers.counts('connections'),
  })

  let started = false
  function start(): void {
    if (started || draining.value) return
    started = true
    readiness.start()
    if (peers.index === 0) {
      generations.start()
      collector.start()
      noting.start()
      dispatcher?.start()
      for (const store of service.stores.all) void runLifecycle(store)
    }
    void observers.metrics.start()
  }

  /** In the background, and only after the start, because a pass over many keys takes long. */
  async function runLifecycle(store: StorageDriver): Promise<void> {
    try {
      await store.runLifecycle?.()
    } catch (err) {
      log.warn({ err }, 'could not execute the lifecycle rules')
    }
  }

  async function serve(answer: RequestHandler, at: ListenAddress, words: PlainAnswer): Promise<string> {
    const { shutdownTimeout } = config.server
    const server = createServer(answer, { plainAnswer: words, connectionLimit, log, shutdownTimeout })
    servers.push(server)
    return server.listen({ ...at, reusePort: hasOwnSocket(at, peers.count) })
  }

  async function listen(): Promise<{ apiUrl: string; objectsUrl: string | null }> {
    const at = config.objects.listen
    // Of two addresses that are in use, both are reported.
    const objects = async (): Promise<void> => {
      if (!apps.objects || at === 'shared') return
      urls.bound.objects = await serve(apps.objects.callback() as RequestHandler, at, plainAnswer)
    }
    const api = async (): Promise<void> => {
      urls.bound.api = await serve(apps.handler, config.server.listen, plainProblem)
    }
    await allOrErrors([objects(), api()])
    start()
    return { apiUrl: urls.api(), objectsUrl: apps.objects ? urls.objects() : null }
  }

  async function shutDown(): Promise<void> {
    draining.value = true
    observers.requests.close()
    await Promise.all([
      readiness.stop(),
      collector.stop(),
      noting.stop(),
      dispatcher?.stop(),
      ...servers.map((server) => server.close()),
    ])
    await generations.stop()
    clock.stop()
    await shared.close()
    await Promise.all(service.stores.all.map((store) => store.close()))
    await observers.close()
  }

  let closing: Promise<void> | null = null
  return { start, listen, close: () => (closing ??= shutDown()) }
}

/** Loaded only if there are webhooks. */
async function openDispatcher(service: ServiceDeps): Promise<Dispatcher> {
  const { createDispatcher } = await import('../webhooks/dispatcher.ts')
  return createDispatcher(service, service.config.webhooks)
}
