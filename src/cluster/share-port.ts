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
