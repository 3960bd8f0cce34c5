/** One request on a connection of its own, whole or cut short, to a gateway in this process. */
import { strict as assert } from 'node:assert'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, type RawAnswer } from '../fixtures/raw-http.ts'

export type Sent = {
  method: string
  bytes: Buffer
  /** Where to cut the bytes into packets. */
  cuts?: readonly number[]
  /** The server may be waiting for more: it learns after a moment that nothing will come. */
  partial?: boolean
}

export type Exchange = {
  /** null where the connection ended without a word. */
  send(base: string, request: Sent): Promise<RawAnswer | null>
  close(): void
}

const channel = 'http.server.request.start'
const moment = 60

export function openExchange(): Exchange {
  /** By the client's port: requests whose answer is still to come. */
  const running = new Map<number | undefined, { request: IncomingMessage; response: ServerResponse }>()
  const note = (message: unknown): void => {
    const one = message as { request: IncomingMessage; response: ServerResponse }
    const port = one.request.socket.remotePort
    running.set(port, one)
    one.response.once('close', () => running.delete(port))
  }
  subscribe(channel, note)

  /** A request that has arrived whole is answered in its own time: an end would only abort it. */
  const isBeingAnswered = (port: number | undefined): boolean => running.get(port)?.request.complete === true

  return {
    async send(base, { method, bytes, cuts = [], partial = false }) {
      const connection = await connect(base)
      const { socket } = connection
      const port = socket.localPort
      const ending = setInterval(() => {
        if (partial && !isBeingAnswered(port)) socket.end()
      }, moment)
      try {
        for (const packet of cutAt(bytes, cuts)) await connection.send(packet).catch(() => {})
        return await connection.answer({ head: method === 'HEAD', timeout: 20_000 })
      } catch (error) {
        // Closed without a word, as after half a request; a server that hangs is another matter.
        assert.doesNotMatch(String(error), /nothing within/)
        return null
      } finally {
        clearInterval(ending)
        connection.close()
      }
    },
    close: () => void unsubscribe(channel, note),
  }
}

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...new Set(cuts.map((at) => at % (bytes.length + 1)))].toSorted((a, b) => a - b)
  return [...ends, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end))
}
