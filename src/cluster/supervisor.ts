/** The primary process: starts the workers, restarts those that die, and stops them all. It serves no requests. */
import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import { isOurs, type FromWorker, type Ready, type Role } from './messages.ts'
import { Relay, send, type Answers } from './relay.ts'
import { StartFailure } from './start-failure.ts'

export type SupervisorLog = { info(facts: object, message: string): void; error(facts: object, message: string): void }

export type SupervisorOptions = {
  count: number
  log: SupervisorLog
  /** The environment variable that contains the role of a worker. */
  roleVariable: string
  /** Workers' questions that this process answers too. */
  answers?: Answers
  /** Milliseconds before a dead worker is restarted. Doubles each time, until one has run for `steadyAfter`. */
  backoff?: { first: number; most: number; steadyAfter: number }
}

export type Supervisor = {
  /** Resolves when all workers serve. Rejects with `StartFailure` if one cannot, after stopping the others. */
  start(): Promise<Ready>
  /** Drains all workers, and kills the rest after `milliseconds`. Repeatable. */
  stop(milliseconds: number): Promise<void>
}

type Started = { worker: Worker; ready: Promise<Ready>; ended: Promise<{ code: number | null; signal: string | null }> }

export function createSupervisor({ count, log, roleVariable, ...o }: SupervisorOptions): Supervisor {
  const backoff = o.backoff ?? { first: 100, most: 30_000, steadyAfter: 30_000 }
  const relay = new Relay(o.answers)
  const running = new Set<Started>()
  const stopping = new AbortController()
  const kept: Promise<void>[] = []
  cluster.setupPrimary({ exec: process.argv[1]!, args: process.argv.slice(2) })

  function fork(role: Role): Started {
    const worker = cluster.fork({ [roleVariable]: JSON.stringify(role) })
    const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      worker.once('exit', (code, signal) => resolve({ code, signal }))
      // A process that could not be created emits no exit event.
      worker.once(
        'error',
        (error) => worker.process.pid === undefined && resolve({ code: null, signal: error.message }),
      )
    })
    const ready = new Promise<Ready>((resolve, reject) => {
      worker.on('message', (message: unknown) => {
        if (!isOurs<FromWorker>(message)) return
        if (message.postern === 'failed') reject(new StartFailure(message.message, message.exitCode))
        else if (message.postern === 'ready') {
          relay.add(worker)
          resolve(message.addresses)
        } else relay.take(worker, message)
      })
      void ended.then(({ code, signal }) => reject(new StartFailure(`A worker exited with ${signal ?? code}.`, 1)))
    })
    ready.catch(() => {})
    const started = { worker, ready, ended }
    running.add(started)
    void ended.then(() => {
      running.delete(started)
      relay.remove(worker)
    })
    return started
  }

  /** Keeps one worker running, and replaces it when it dies. */
  async function keep(index: number, first: Started): Promise<void> {
    let current = first
    let pause = backoff.first
    for (;;) {
      const since = performance.now()
      const end = await current.ended
      if (stopping.signal.aborted) return
      pause = performance.now() - since >= backoff.steadyAfter ? backoff.first : pause
      log.error({ worker: index, ...end, pause }, 'a worker exited and is restarted')
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return
      pause = Math.min(pause * 2, backoff.most)
      current = fork({ index, count, isReplacement: true })
      current.ready.then(
        () => log.info({ worker: index }, 'a worker serves again'),
        (err: unknown) => log.error({ worker: index, err }, 'a worker failed to start'),
      )
    }
  }

  async function stop(milliseconds: number): Promise<void> {
    stopping.abort()
    for (const { worker } of running) send(worker, { postern: 'stop' })
    const deadline = setTimeout(() => {
      for (const { worker } of running) worker.process.kill('SIGKILL')
    }, milliseconds)
    await Promise.all([...running].map(({ ended }) => ended))
    clearTimeout(deadline)
    await Promise.all(kept)
  }

  return {
    stop,
    async start() {
      try {
        // The first worker starts alone. It cleans up after a crash and prints configuration warnings once.
        const first = fork({ index: 0, count, isReplacement: false })
        const addresses = await first.ready
        const others = Array.from({ length: count - 1 }, (_, i) => fork({ index: i + 1, count, isReplacement: false }))
        for (const { ready } of others) await ready
        kept.push(...[first, ...others].map((started, index) => keep(index, started)))
        return addresses
      } catch (error) {
        await stop(5000)
        throw error
      }
    },
  }
}
