/** A gateway in a process of its own, so that its memory is its own; tells its parent when it is asked. */
import { signToken, startGateway } from '../fixtures/gateway.ts'

export type Report = { rss: number; heapUsed: number; arrayBuffers: number }
export type Ready = { apiUrl: string; objectsUrl: string; tokens: string[] }

const gateway = await startGateway({ limits: { pendingUploads: 10_000 } })
const users = Array.from({ length: 20 }, (_, i) => `user-${i}`)
const tokens = await Promise.all(users.map((user) => signToken(user, { exp: Math.floor(Date.now() / 1000) + 86_400 })))

process.on('message', (message) => {
  if (message === 'stop') {
    void gateway.close().then(() => process.exit(0))
    return
  }
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
  process.send?.({ rss, heapUsed, arrayBuffers } satisfies Report)
})
process.send?.({ apiUrl: gateway.apiUrl, objectsUrl: gateway.objectsUrl, tokens } satisfies Ready)
