/** Faults for a server and its network to the store and the database, injected while clients work. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Mode, StallingProxy } from '../../fixtures/stalling-proxy.ts'
import type { Postgres } from '../../fixtures/postgres.ts'
import type { SeededRandom } from '../seeded-random.ts'
import type { Server, Installation } from '../installation.ts'

/** Does harm, and mends it before it resolves. */
export type Disturbance = { name: string; run: (random: SeededRandom) => Promise<void> }

/** A server that is killed and started again. */
export class Killable {
  readonly #installation: Installation
  #server: Server

  constructor(installation: Installation) {
    this.#installation = installation
    this.#server = installation.start()
  }

  get ready(): Promise<void> {
    return this.#server.ready
  }

  async workers(): Promise<number[]> {
    const { pid } = this.#server
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
    return children.trim().split(' ').filter(Boolean).map(Number)
  }

  async killWorker(random: SeededRandom): Promise<void> {
    const workers = await this.workers()
    if (workers.length === 0) return
    try {
      process.kill(random.pick(workers), 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }

  /** Must come back without an operator. */
  async killAll(): Promise<void> {
    await this.#server.kill()
    this.#server = this.#installation.start()
    await this.#server.ready
  }

  stop(): Promise<number | null> {
    return this.#server.stop()
  }

  kill(): Promise<void> {
    return this.#server.kill()
  }
}

export const killsOf = (server: Killable): Disturbance[] => [
  { name: 'a worker is killed', run: (random) => server.killWorker(random) },
  { name: 'all processes are killed and started again', run: () => server.killAll() },
]

export const crashOf = (postgres: Postgres): Disturbance => ({
  name: 'PostgreSQL crashes and is started again',
  async run(random) {
    await postgres.stop('crash')
    await sleep(random.int(0, 1500))
    await postgres.start()
  },
})

export const networkOf = (proxy: StallingProxy, to: string): Disturbance[] => {
  const modes: [Mode, number][] = [
    ['stall', 500],
    ['hold', 1000],
    ['hold', 5000],
    ['reset', 500],
    ['lose-answers', 1000],
    ['lose-answers', 200],
    ['throttle', 2000],
  ]
  return modes.map(([mode, longest]) => ({
    name: `the network to ${to}: ${mode}`,
    async run(random) {
      proxy.change(mode)
      await sleep(random.int(50, longest))
      proxy.change('pass')
    },
  }))
}

/** One after the other, with some time between them, until `isOver`. Resolves to what was done and when. */
export async function disturb(
  disturbances: readonly Disturbance[],
  o: { random: SeededRandom; isOver: () => boolean; pause: number },
): Promise<string[]> {
  const begun = performance.now()
  const done: string[] = []
  for (;;) {
    await sleep(o.random.int(0, o.pause))
    if (o.isOver()) return done
    const { name, run } = o.random.pick(disturbances)
    const at = Math.round(performance.now() - begun)
    await run(o.random)
    done.push(`${at} to ${Math.round(performance.now() - begun)} ms: ${name}`)
  }
}

/** Waits until everything works again after the last disturbance. */
export async function untilReady(api: string): Promise<void> {
  for (const giveUpAt = performance.now() + 120_000; performance.now() < giveUpAt; await sleep(100)) {
    const isReady = await fetch(`${api}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return
  }
  throw new Error('the server is not ready two minutes after the last disturbance')
}
