/** Work that one process at a time does for all that share a catalog. Whoever had the last turn goes on having it. */
import { randomUUID } from 'node:crypto'
import type { ServiceDeps } from './deps.ts'

export type Turn = {
  /** Takes the turn or keeps it. False while another process has it. Rejects with the catalog's errors. */
  take(): Promise<boolean>
  /** Runs `work` if the turn can be had, and keeps it until that is done; null if it cannot. */
  run<T>(work: () => Promise<T>): Promise<T | null>
  /** Whether no other process can have it yet: false once it was taken, or could not be kept in time. */
  isHeld(): boolean
  /** Lets another process have it at once. */
  giveUp(): Promise<void>
}

/** `lasts`: seconds after which the turn of a process that has ended without a word goes to another. */
export function createTurn(
  { catalog, now }: Pick<ServiceDeps, 'catalog' | 'now'>,
  name: string,
  { lasts }: { lasts: number },
): Turn {
  const holder = randomUUID()
  let had = false
  let heldUntil = 0

  async function take(): Promise<boolean> {
    const at = now()
    const until = performance.now() + lasts * 1000
    had = await catalog.takeLease(name, { holder, now: at, until: new Date(at.getTime() + lasts * 1000) })
    heldUntil = had ? until : 0
    return had
  }

  return {
    take,
    isHeld: () => performance.now() < heldUntil,
    async run(work) {
      if (!(await take())) return null
      const keep = setInterval(() => void take().catch(() => undefined), (lasts * 1000) / 4)
      keep.unref()
      try {
        return await work()
      } finally {
        clearInterval(keep)
      }
    },
    async giveUp() {
      if (had) await catalog.dropLease(name, holder)
      had = false
      heldUntil = 0
    },
  }
}
