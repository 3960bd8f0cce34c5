/** `serve` with several processes on the same ports: the primary's tasks, and how a process becomes a worker. */
import { availableParallelism } from 'node:os'
import { explainFileError } from '../cannot-open.ts'
import { linkToPrimary, type Link } from '../cluster/link.ts'
import type { Ready, Role } from '../cluster/messages.ts'
import { allOrErrors, assertFree } from '../cluster/share-port.ts'
import { StartFailure } from '../cluster/start-failure.ts'
import type { SupervisorOptions } from '../cluster/supervisor.ts'
import type { Config, ListenAddress } from '../config/config.ts'
import { CliError } from './cli-error.ts'
import { untilStopped } from './stop-signal.ts'

const roleVariable = 'POSTERN_WORKER'
/** Milliseconds in which workers that do not serve yet must end. */
const stopPatience = 5000

export const workerCount = ({ server }: Config): number =>
  server.workers === 'auto' ? availableParallelism() : server.workers

/** The link to the primary in a forked process. null in any other process. */
export function takeLink(): Link | null {
  const role = process.env[roleVariable]
  if (role === undefined || process.send === undefined) return null
  // Not a setting, and not to be inherited by child processes.
  delete process.env[roleVariable]
  return linkToPrimary(JSON.parse(role) as Role)
}

/**
 * Starts the workers, each with this process's command line. `listen` are their addresses. `close` takes a timeout in
 * milliseconds. Resolves to null if `stopped` resolves before they serve. Errors: those of listening, and what a worker
 * that fails to start reports.
 */
export async function superviseWorkers(
  count: number,
  {
    listen,
    stopped,
    ...o
  }: Pick<SupervisorOptions, 'log' | 'answers'> & {
    listen: readonly ListenAddress[]
    stopped: Promise<unknown>
  },
): Promise<{ addresses: Ready; close: (milliseconds: number) => Promise<void> } | null> {
  await allOrErrors(listen.map((at) => assertFree(at, count)))
  const [{ createSupervisor }, { RateLimiterClusterMaster }] = await Promise.all([
    import('../cluster/supervisor.ts'),
    import('rate-limiter-flexible'),
  ])
  // Counts for all workers. See api/rate-limit.ts.
  void new RateLimiterClusterMaster()
  const supervisor = createSupervisor({ count, roleVariable, ...o })
  let isStopped = false
  let isStarted = false
  void stopped.then(async () => {
    isStopped = true
    // A worker whose database does not answer would wait for it.
    if (!isStarted) await supervisor.stop(stopPatience)
  })
  try {
    const addresses = await supervisor.start()
    isStarted = true
    return { addresses, close: (milliseconds) => supervisor.stop(milliseconds) }
  } catch (error) {
    if (isStopped) return null
    throw error instanceof StartFailure ? new CliError(error.message, error.exitCode) : error
  }
}

/** Serves until the primary or a signal stops it. Reports startup errors to the primary, which prints them once. */
export async function serveAsWorker(
  link: Link,
  start: (stopped: Promise<unknown>) => Promise<{ addresses: Ready; close: () => Promise<void> } | null>,
  exitCodeOf: (error: unknown) => 1 | 2,
): Promise<never> {
  // Registered first, because Ctrl-C and service managers signal every process.
  const signal = untilStopped()
  try {
    const stopped = Promise.race([signal, link.stopped])
    const started = await start(stopped)
    if (started !== null) {
      await link.send({ postern: 'ready', addresses: started.addresses })
      await stopped
      await started.close()
    }
  } catch (error) {
    const message = explainFileError(error) ?? (error instanceof Error ? error.message : String(error))
    await link.send({ postern: 'failed', message, exitCode: exitCodeOf(error) })
    process.exit(1)
  }
  process.exit(0)
}
