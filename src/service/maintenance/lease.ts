/**
 * A lease in the catalog. Of all processes that share the catalog, one at a time does the work and renews the lease.
 */
import { randomUUID } from 'node:crypto'
import type { ServiceDeps } from '../deps.ts'

export type Lease = {
  /** Takes or renews the lease. Resolves to false while another process holds it. Errors: those of the catalog. */
  take(): Promise<boolean>
  /** Runs `work` and renews the lease until it is done. Resolves to null if another process holds the lease. */
  run<T>(work: () => Promise<T>): Promise<T | null>
  /** Whether this process holds the lease. False if another process took it, or if it was not renewed in time. */
  isHeld(): boolean
  /** Makes the lease available to other processes immediately. */
  giveUp(): Promise<void>
}

/** `lasts`: seconds until the lease of a crashed process expires. */
export function createLease(
  { catalog, now }: Pick<ServiceDeps, 'catalog' | 'now'>,
  name: string,
  { lasts }: { lasts: number },
): Lease {
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
