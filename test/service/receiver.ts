/** A webhook receiver on loopback that verifies requests by the library that receivers use. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { vi } from 'vitest'

export const secret = 'whsec_q0JX3dCJ1hVQm6m5Kf1o0l7gRkYx2Zb8tN4wEuSsPdA='

export type Received = {
  id: string
  headers: IncomingMessage['headers']
  body: string
  message: { type: string; timestamp: string; data: Record<string, unknown> }
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>

/** `answer` may be replaced while it runs. Default: 204. */
export async function startReceiver() {
  const received: Received[] = []
  const forged: string[] = []
  const receiver = {
    url: '',
    received,
    /** What did not verify. */
    forged,
    connections: 0,
    answer: (res: ServerResponse, _count: number): void => void res.writeHead(204).end(),
    /** Waits until so many messages have come. */
    async has(count: number, timeout = 10_000): Promise<Received[]> {
      await vi.waitUntil(() => received.length >= count, { timeout, interval: 10 })
      return received
    },
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
  const server = createServer(async (req, res) => {
    const body = await text(req)
    try {
      const message = new Webhook(secret).verify(body, req.headers as Record<string, string>) as Received['message']
      received.push({ id: String(req.headers['webhook-id']), headers: req.headers, body, message })
    } catch (error) {
      forged.push(String(error))
    }
    receiver.answer(res, received.length)
  })
  server.on('connection', () => (receiver.connections += 1))
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  return receiver
}
