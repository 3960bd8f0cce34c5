import { createServer, type Server } from 'node:net'

/** Listens on a port of the system's choice, so that it is taken. */
export async function takePort(): Promise<{ port: number; release(): Promise<void> }> {
  const server: Server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, release: () => new Promise((resolve) => server.close(() => resolve())) }
}

/** A port that was free a moment ago, for processes that must know it before they listen. */
export async function freePort(): Promise<number> {
  const { port, release } = await takePort()
  await release()
  return port
}
