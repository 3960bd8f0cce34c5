/** Several gateways over one catalog: each says what the others must agree with, as long as it runs. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Catalog } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import { StorageError } from '../errors.ts'
import { differenceOf, type Agreement, type Difference } from './agreement.ts'

export type Membership = {
  /** The others need not wait until it counts as gone. */
  leave(): Promise<void>
}

export type InstancesOptions = {
  config: Pick<Config, 'database'>
  catalog: Pick<Catalog, 'takeLease' | 'dropLease' | 'listLeases' | 'forgetLeases'>
  /** Asked again at each sign of life, for secrets that are replaced meanwhile. */
  agreement: () => Agreement
  now: () => Date
  log: { info(facts: object, message: string): void; warn(facts: object, message: string): void }
  /** Seconds between two signs of life. Default 10. */
  signEvery?: number
}

const prefix = 'instance:'
/** Seconds after which one that gave no sign of life is gone. */
const goneAfter = 35

type Disagreement = Difference & { host: string; goneIn: number }

/**
 * Of a catalog in SQLite there are no instances but workers, which share a folder and its secrets: nothing is done then.
 * Errors: Unavailable when another instance that is running does not agree; the message says with what. One that may
 * have changed its secrets a moment ago is given the time to say so.
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

  /** Those that have agreed may do so no longer, when an overlap ends before all have the new secret. */
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
      .catch((err: unknown) => o.log.warn({ err }, 'the other instances could not be told of this one'))
  }, signEvery * 1000)
  timer.unref()
  return {
    async leave() {
      clearInterval(timer)
      // Without a word it counts as gone a little later.
      await catalog.dropLease(prefix + id, id).catch(() => {})
    },
  }
}

/** `patience` in milliseconds, for one that accepts what is ours or the other way round. */
async function refuseDisagreement(o: InstancesOptions, patience: number): Promise<void> {
  const deadline = performance.now() + patience
  let hasTold = false
  for (;;) {
    const found = await findDisagreement(o)
    if (found === null) return
    if (!found.isPartial || performance.now() >= deadline) {
      const gone = `If it has ended by force, it counts as gone in ${found.goneIn} s.`
      throw new StorageError('Unavailable', { message: `${wordsOf(found)} ${gone}` })
    }
    const { host, name } = found
    if (!hasTold) o.log.info({ host, differs: name }, 'another instance does not agree yet: it is given a moment')
    hasTold = true
    await sleep(500)
  }
}

const wordsOf = ({ host, advice }: Disagreement): string => `Another instance at this catalog (on ${host}) ${advice}`

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
