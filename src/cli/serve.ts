import { resolve } from 'node:path'
import type { Command } from 'commander'
import { isThere } from '../cannot-open.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import { ConfigError } from '../config/config-error.ts'
import type { Config, ListenAddress } from '../config/config.ts'
import { loadSecrets, secretsPath } from '../config/secrets.ts'
import { wantsTracing } from '../config/tracing.ts'
import type { Peers } from '../drivers/peers.ts'
import type { Logger } from '../log.ts'
import { devUser } from '../config/dev-mode.ts'
import { servesObjects } from '../config/serves-objects.ts'
import type { TestMode } from '../testing/test-mode.ts'
import { banner, commandForToken, devBanner, devVariables } from './banner.ts'
import type { Ready } from '../cluster/messages.ts'
import { hasOwnSocket } from '../cluster/share-port.ts'
import type { Gateway } from '../main.ts'
import { isStorageError } from '../errors.ts'
import { awaitDatabase } from './await-database.ts'
import { explainUnready } from './unready.ts'
import { CliError } from './cli-error.ts'
import { addConfigOptions, openConfig, type ConfigOptions } from './config-options.ts'
import { listenFailure } from './listen-failure.ts'
import { hasStore } from './open-store.ts'
import { outlastOutput, printJson, printNote, printResult } from './output.ts'
import { untilStopped } from './stop-signal.ts'
import { serveAsWorker, superviseWorkers, takeLink, workerCount } from './workers.ts'
import { describeStore } from '../service/stores/stores.ts'
import { stateFolder } from '../config/state-folder.ts'

export type ServeOptions = ConfigOptions & {
  dev?: boolean
  takeover?: boolean
  /** Development on all interfaces, where requests need a token. */
  remote?: boolean
  /** Whether to accept the fixed access keys of development mode. Default true. */
  fixedKeys?: boolean
  open?: boolean
}

export function addServe(program: Command, exit: (code: number) => void): void {
  addConfigOptions(program.command('serve'))
    .description('start the gateway')
    .option('--dev', 'the same as postern dev')
    .option('--port <port>', 'the port of the API; the host does not change')
    .option('--takeover', 'wait until the server that uses this folder has stopped, instead of refusing to start')
    .addHelpText(
      'after',
      '\nSIGTERM and Ctrl-C stop the server when running requests are done, or after server.shutdownTimeout.' +
        '\nExit code 0: stopped; 130: Ctrl-C aborted requests. With --json, one line of JSON on stdout reports that the server is ready.',
    )
    .action(async (options: ServeOptions) => exit(await serve(options)))
}

/** Starts the gateway and serves until a signal ends it. Resolves to the exit code. */
export async function serve(options: ServeOptions): Promise<number> {
  outlastOutput()
  const link = takeLink()
  const dev = options.dev ?? false
  if (link) return serveAsWorker(link, (stopped) => startWorker(options, { peers: link.peers, stopped }), exitCodeOf)
  const loaded = openConfig(options, { dev, remote: options.remote ?? false })
  const { config } = loaded
  await refuseUnfinishedRestore(stateFolder(config))
  const isWithoutSecrets = hasLostSecrets(config)
  const secrets = await loadSecrets(stateFolder(config), { authSecret: config.auth.secret })
  const { createLogger } = await import('../http/logger.ts')
  const log = createLogger(config.log)
  if (isWithoutSecrets) log.warn({}, lostSecrets(config))
  const signal = untilStopped()
  const { lockForServing } = await import('./server-lock.ts')
  const lock = await lockForServing(config, { takeover: options.takeover ?? false, stopped: signal, note: printNote })
  if (lock === null) return (await signal) === 'SIGINT' ? 130 : 0
  try {
    return await run(options, { loaded, secrets, log, signal })
  } finally {
    lock.release()
  }
}

/** The folder was used before, and only its secrets are missing. */
const hasLostSecrets = (config: Config): boolean => !isThere(secretsPath(stateFolder(config))) && hasStore(config)

function lostSecrets(config: Config): string {
  const tokens = config.auth.secret === 'auto' && config.auth.jwksUrl === null ? 'User tokens, presigned' : 'Presigned'
  return (
    `${resolve(secretsPath(stateFolder(config)))} was missing, so new secrets were created. No file is lost. ${tokens} URLs ` +
    "and requests signed with the gateway's old key are rejected from now on. Access keys in keys.json still work. To keep " +
    'the old secrets, stop the server, replace this file with the one from a backup, and start the server again.'
  )
}

async function refuseUnfinishedRestore(folder: string): Promise<void> {
  if (!isThere(folder)) return
  const { unfinishedRestore } = await import('../backup/target.ts')
  const left = unfinishedRestore(folder)
  if (left === null) return
  throw new CliError(
    `${folder} is not a complete store, because a restore did not finish (${left}). Delete everything in this folder, then run ` +
      'postern restore again.',
    1,
  )
}

type Start = {
  loaded: LoadedConfig
  secrets: Awaited<ReturnType<typeof loadSecrets>>
  log: Logger
  signal: Promise<NodeJS.Signals>
}

async function run(options: ServeOptions, { loaded, secrets, log, signal }: Start): Promise<number> {
  const { config } = loaded
  const dev = options.dev ?? false
  const count = workerCount(config)
  const mode = dev && count === 1 && servesObjects(config) ? await developmentMode(options) : null
  const anonymous = dev && options.remote !== true
  const gateway =
    count > 1
      ? await supervise(count, config, { log, stopped: signal })
      : await startGateway(config, {
          secrets,
          log,
          dev: anonymous,
          loaded,
          stopped: signal,
          ...(mode && { testMode: mode }),
        })
  if (gateway === null) {
    const exitCode = (await signal) === 'SIGINT' ? 130 : 0
    // A connection to the database that does not answer would keep the process.
    setTimeout(() => process.exit(exitCode), 1000).unref()
    return exitCode
  }
  const { line: bytes, place } = await describeStore({ config })
  const { apiUrl, objectsUrl, notReady } = gateway.addresses
  const problems = notReady === null ? [] : await explainUnready(config, notReady)
  const plain = (): string =>
    banner({ addresses: gateway.addresses, bytes, dev, tokenCommand: commandForToken(options, loaded), problems })
  if (options.json) {
    const { pid } = process
    const ready = problems.length === 0
    printJson({ api: apiUrl, objects: objectsUrl, bytes: place, dev, pid, workers: count, ready, problems })
  } else if (mode === null) {
    printNote(plain())
  } else {
    const token = await tokenOfDeveloper(config, secrets.jwtSecret)
    const facts = { addresses: gateway.addresses, bytes, token, mode, remote: options.remote ?? false, config }
    printNote(problems.length === 0 ? devBanner(facts) : plain())
    // They contain credentials and must not reach a log.
    printResult(devVariables(facts))
  }
  if (options.open) await openInBrowser(apiUrl)
  return stop(await signal, gateway.close, config.server.shutdownTimeout)
}

/** The request journal, the fixed access keys and the `/_test` routes. */
async function developmentMode({ remote = false, fixedKeys = true }: ServeOptions): Promise<TestMode> {
  const { TestMode } = await import('../testing/test-mode.ts')
  return new TestMode({ createsBuckets: true, fixedKeys, anyHost: remote })
}

async function tokenOfDeveloper({ auth }: Config, jwtSecret: string): Promise<string | null> {
  if (auth.jwksUrl !== null) return null
  const { signToken } = await import('./token.ts')
  const issuedAt = new Date()
  return signToken({ sub: devUser, issuedAt, expiresAt: new Date(issuedAt.getTime() + 86_400_000), auth, jwtSecret })
}

async function openInBrowser(url: string): Promise<void> {
  const { default: open } = await import('open')
  await open(url).catch((cause: Error) => printNote(`Could not open a browser (${cause.message}). Open ${url}`))
}

const exitCodeOf = (error: unknown): 1 | 2 =>
  error instanceof ConfigError ? 2 : error instanceof CliError ? error.exitCode : 1

async function supervise(
  count: number,
  config: Config,
  o: { log: Logger; stopped: Promise<unknown> },
): ReturnType<typeof superviseWorkers> {
  const { server, objects } = config
  const own = objects.listen === 'shared' || !servesObjects(config) ? [] : [objects.listen]
  try {
    const { answerDroppedLogLines } = await import('../http/stderr-lines.ts')
    return await superviseWorkers(count, { ...o, listen: [server.listen, ...own], answers: answerDroppedLogLines })
  } catch (cause) {
    throw listenFailure(cause, config)
  }
}

/** Starts one of several processes. Reads the configuration again. Only the primary prints its warnings. */
async function startWorker(
  options: ServeOptions,
  { peers, stopped }: { peers: Peers; stopped: Promise<unknown> },
): Promise<Running | null> {
  const dev = options.dev ?? false
  const loaded = openConfig(options, { dev, remote: options.remote ?? false, quiet: true })
  const { config } = loaded
  const secrets = await loadSecrets(stateFolder(config), { authSecret: config.auth.secret })
  const { createLogger } = await import('../http/logger.ts')
  const log = createLogger(config.log).child({ worker: peers.index })
  return startGateway(config, { secrets, log, dev: dev && options.remote !== true, loaded, peers, stopped })
}

type Running = { addresses: Ready; close: () => Promise<void> }

async function startGateway(
  config: Config,
  o: {
    secrets: Awaited<ReturnType<typeof loadSecrets>>
    log: Logger
    dev: boolean
    loaded: LoadedConfig
    /** Resolves when the server is to stop. */
    stopped: Promise<unknown>
    peers?: Peers
    testMode?: TestMode
  },
): Promise<Running | null> {
  const { createGateway } = await import('../main.ts')
  const open = (): Promise<Gateway> => createGateway(config, { ...o, tracing: wantsTracing(process.env) })
  const workers = o.peers?.count ?? 1
  const waiting = {
    config,
    log: o.log,
    stopped: o.stopped,
    reusePort: (at: ListenAddress) => hasOwnSocket(at, workers),
  }
  const gateway = await awaitDatabase(open, waiting).catch(asStartFailure)
  if (gateway === null) return null
  try {
    const urls = await gateway.listen()
    const finding = await gateway.readiness.read()
    const notReady = finding.ready ? null : finding.reason
    return { addresses: { ...urls, notReady }, close: () => gateway.close() }
  } catch (cause) {
    await gateway.close().catch(() => {})
    throw listenFailure(cause, config)
  }
}

/** Conflicting settings are detected when the store or the database is opened. */
function asStartFailure(cause: unknown): never {
  throw isStorageError(cause, 'InvalidArgument') ? new CliError(cause.message, 2, { cause }) : cause
}

/** Drains requests and returns the exit code. Waits slightly longer than the drain may take. */
async function stop(
  signal: NodeJS.Signals,
  close: (milliseconds: number) => Promise<void>,
  shutdownTimeout: number,
): Promise<number> {
  printNote(`Stopping. Running requests have ${shutdownTimeout} s to finish. Press Ctrl-C again to abort them.`)
  const start = performance.now()
  const grace = 5
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((end) => {
    timer = setTimeout(() => end('late'), (shutdownTimeout + grace) * 1000)
  })
  const outcome = await Promise.race([close((shutdownTimeout + grace / 2) * 1000).then(() => 'closed' as const), late])
  clearTimeout(timer)
  const cut = performance.now() - start >= shutdownTimeout * 1000
  if (cut) printNote('Some requests did not finish in time and were aborted.')
  const exitCode = signal === 'SIGINT' && cut ? 130 : outcome === 'late' ? 1 : 0
  // A leaked timer or socket must not keep the process alive.
  setTimeout(() => process.exit(exitCode), 1000).unref()
  if (outcome === 'late') process.exit(exitCode)
  return exitCode
}
