/**
 * How workers share a port. By default node:cluster accepts connections in the primary and passes them on. A
 * connection passed to a worker that dies first is never answered or closed. On Linux each worker has its own socket
 * instead (SO_REUSEPORT), and the kernel distributes connections.
 */
import { createServer } from 'node:net'

type Address = { host: string; port: number }

/** Port 0 must resolve to the same port for all, which only the primary can do. */
export const hasOwnSocket = (at: Address, workers: number): boolean =>
  workers > 1 && at.port !== 0 && process.platform === 'linux'

/** Waits for all. Errors: the one that rejects, or an AggregateError of several. */
export async function allOrErrors(tasks: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(tasks)).filter((one) => one.status === 'rejected')
  if (failed.length === 1) throw failed[0]!.reason
  if (failed.length > 1) throw new AggregateError(failed.map(({ reason }) => reason))
}

/** Rejects if another program listens. Otherwise sockets of one user that reuse a port would share it silently. */
export async function assertFree(at: Address, workers: number): Promise<void> {
  if (!hasOwnSocket(at, workers)) return
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen({ host: at.host, port: at.port, exclusive: true }, resolve)
  })
  await new Promise((resolve) => probe.close(resolve))
}
