/** Several gateways on one catalog. While an instance runs, it publishes what the others must agree with. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Catalog } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import { StorageError } from '../errors.ts'
import { differenceOf, type Agreement, type Difference } from './agreement.ts'

export type Membership = {
  /** Removes the registration, so that the others need not wait for it to expire. */
  leave(): Promise<void>
}

export type InstancesOptions = {
  config: Pick<Config, 'database'>
  catalog: Pick<Catalog, 'takeLease' | 'dropLease' | 'listLeases' | 'forgetLeases'>
  /** Called at each heartbeat, because secrets can change. */
  agreement: () => Agreement
  now: () => Date
  log: { info(facts: object, message: string): void; warn(facts: object, message: string): void }
  /** Seconds between two heartbeats. Default 10. */
  signEvery?: number
}

const prefix = 'instance:'
/** Seconds without a heartbeat after which an instance counts as stopped. */
const goneAfter = 35

type Disagreement = Difference & { host: string; goneIn: number }

/**
 * Registers this instance. Does nothing for an SQLite catalog, whose only instances are workers with a shared folder
 * and secrets. Errors: Unavailable if another running instance does not agree, with the difference in the message. An
 * instance that may just have changed its secrets gets time to publish them.
 */
export async function joinInstances(o: InstancesOptions): Promise<Membership> {
  const { catalog, now, signEvery = 10 } = o
  if (o.config.database.url.startsWith('sqlite:')) return { leave: async () => {} }
  const id = randomUUID()
  let complaint = ''

  async function giveSign(): Promise<void> {
    const at = now()
    const until = new Date(at.getTime() + goneAfter * 1000)
    const note = JSON.stringify({ host: hostname(), ...o.agreement() })
    await catalog.takeLease(prefix + id, { holder: id, now: at, until, note })
  }

  /** Instances that agreed may disagree later, when an overlap ends before all have the new secret. */
  async function complain(): Promise<void> {
    const found = await findDisagreement(o, id)
    const words = found ? wordsOf(found) : ''
    if (found && words !== complaint) o.log.warn({ host: found.host, differs: found.name }, words)
    complaint = words
  }

  await refuseDisagreement(o, signEvery * 1200)
  await giveSign()
  await catalog.forgetLeases(new Date(now().getTime() - 86_400_000))
  const timer = setInterval(() => {
    giveSign()
      .then(complain)
      .catch((err: unknown) => o.log.warn({ err }, 'could not register this instance with the others'))
  }, signEvery * 1000)
  timer.unref()
  return {
    async leave() {
      clearInterval(timer)
      // If this fails, the registration expires a little later.
      await catalog.dropLease(prefix + id, id).catch(() => {})
    },
  }
}

/** `patience`: milliseconds to wait if one side accepts the other's secret. */
async function refuseDisagreement(o: InstancesOptions, patience: number): Promise<void> {
  const deadline = performance.now() + patience
  let hasTold = false
  for (;;) {
    const found = await findDisagreement(o)
    if (found === null) return
    if (!found.isPartial || performance.now() >= deadline) {
      const gone = `If it was killed, it counts as stopped in ${found.goneIn} s.`
      throw new StorageError('Unavailable', { message: `${wordsOf(found)} ${gone}` })
    }
    const { host, name } = found
    if (!hasTold) o.log.info({ host, differs: name }, 'another instance does not agree yet, waiting for it')
    hasTold = true
    await sleep(500)
  }
}

const wordsOf = ({ host, advice }: Disagreement): string => `Another instance of this catalog (on ${host}) ${advice}`

async function findDisagreement(o: InstancesOptions, self?: string): Promise<Disagreement | null> {
  const at = o.now()
  const mine = o.agreement()
  for (const { name, note, expiresAt } of await o.catalog.listLeases(prefix, at)) {
    if (name === prefix + self) continue
    const { host = 'another host', ...theirs } = JSON.parse(note ?? '{}') as Partial<Agreement> & { host?: string }
    const difference = differenceOf(mine, theirs)
    const goneIn = Math.ceil((expiresAt.getTime() - at.getTime()) / 1000)
    if (difference !== null) return { ...difference, host, goneIn }
  }
  return null
}
