/**
 * Allows one migration at a time, because two would copy the same files. A conflict loses no data: each copy is
 * recorded once.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Catalog } from '../catalog/catalog.ts'
import { CliError } from './cli-error.ts'

const name = 'migrate'
/** Lease duration in seconds. */
const lasts = 30

/** Errors: CliError while another process holds the lease, unless it ran on this machine and has exited. */
export async function withLease<T>(catalog: Catalog, work: () => Promise<T>): Promise<T> {
  const holder = randomUUID()
  const note = JSON.stringify({ host: hostname(), pid: process.pid })
  const take = (): Promise<boolean> => {
    const now = new Date()
    return catalog.takeLease(name, { holder, now, until: new Date(now.getTime() + lasts * 1000), note })
  }
  for (const lease of await catalog.listLeases(name, new Date())) {
    if (isDead(lease.note)) await catalog.dropLease(name, lease.holder)
  }
  if (!(await take())) {
    throw new CliError(
      `Another migration is running. A migration that was killed on another machine counts as stopped after ${lasts} s.`,
      1,
    )
  }
  const keep = setInterval(() => void take().catch(() => undefined), (lasts * 1000) / 4)
  try {
    return await work()
  } finally {
    clearInterval(keep)
    await catalog.dropLease(name, holder)
  }
}

function isDead(note: string | null): boolean {
  const { host, pid } = JSON.parse(note ?? '{}') as { host?: string; pid?: number }
  if (host !== hostname() || pid === undefined) return false
  if (pid === process.pid) return true
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
