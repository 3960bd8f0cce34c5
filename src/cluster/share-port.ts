/**
 * How workers share a port. By itself node:cluster accepts in the primary and hands connections on; one that was handed
 * to a worker that died before it took it is never answered nor closed. On Linux each worker has a socket of its own
 * instead (SO_REUSEPORT) and the kernel deals out connections, as it does not elsewhere.
 */
import { createServer } from 'node:net'

type Address = { host: string; port: number }

/** Port 0 must be the same for all, which only the primary can see to. */
export const hasOwnSocket = (at: Address, workers: number): boolean =>
  workers > 1 && at.port !== 0 && process.platform === 'linux'

/** Rejects where another program listens: sockets of one user that reuse a port would share it without a word. */
export async function assertFree(at: Address, workers: number): Promise<void> {
  if (!hasOwnSocket(at, workers)) return
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen({ host: at.host, port: at.port, exclusive: true }, resolve)
  })
  await new Promise((resolve) => probe.close(resolve))
}
