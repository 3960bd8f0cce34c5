/** Clients that hold a connection each: most ask now and then, some send files all the time, slowly. */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, rawHead, type RawAnswer, type RawConnection } from '../fixtures/raw-http.ts'
import type { Ready } from './gateway.ts'

export type HoldCounts = { requests: number; uploads: number; bytes: number; open: number; errors: Map<string, number> }

export const newTally = (): HoldCounts => ({ requests: 0, uploads: 0, bytes: 0, open: 0, errors: new Map() })

type Life = { tally: HoldCounts; until: number; at: Ready }
const patience = { timeout: 60_000 }

const note = ({ errors }: HoldCounts, what: string): void => void errors.set(what, (errors.get(what) ?? 0) + 1)

async function holding(life: Life, base: string, use: (connection: RawConnection) => Promise<void>): Promise<void> {
  const connection = await connect(base).catch((error: unknown) => {
    note(life.tally, String(error))
    return null
  })
  if (connection === null) return
  life.tally.open += 1
  try {
    while (Date.now() < life.until) await use(connection)
  } catch (error) {
    note(life.tally, String(error).slice(0, 120))
  } finally {
    life.tally.open -= 1
    connection.close()
  }
}

function expectStatus(life: Life, answer: RawAnswer, status: number): void {
  life.tally.requests += 1
  if (answer.status !== status) throw new Error(`answered ${answer.status}, not ${status}: ${answer.text.slice(0, 80)}`)
}

/** Keeps its connection, and asks for the list of its files every 10 to 30 seconds. */
export function quietClient(life: Life, index: number): Promise<void> {
  const token = life.at.tokens[index % life.at.tokens.length]!
  const request = rawHead(life.at.apiUrl, 'GET', '/files?limit=5', { authorization: `Bearer ${token}` })
  return holding(life, life.at.apiUrl, async (connection) => {
    await connection.send(request)
    expectStatus(life, await connection.answer(patience), 200)
    await sleep(Math.min(10_000 + Math.random() * 20_000, Math.max(0, life.until - Date.now())))
  })
}

/** Asks for a URL, sends a file in pieces over some seconds, confirms and deletes it; again and again. */
export function uploadingClient(life: Life, index: number, o: { size: number; pieces: number }): Promise<void> {
  const { apiUrl, objectsUrl, tokens } = life.at
  const authorization = `Bearer ${tokens[index % tokens.length]!}`
  const piece = Buffer.alloc(o.size / o.pieces, 'x')
  const api = async (method: string, path: string, body: object | null, status: number): Promise<Upload> => {
    const sent =
      body === null
        ? {}
        : { body: JSON.stringify(body), headers: { authorization, 'content-type': 'application/json' } }
    const response = await fetch(apiUrl + path, { method, headers: { authorization }, ...sent })
    const text = await response.text()
    life.tally.requests += 1
    if (response.status !== status) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 80)}`)
    return (text === '' ? {} : JSON.parse(text)) as Upload
  }
  return holding(life, objectsUrl, async (connection) => {
    const file = { filename: 'a.txt', mimeType: 'text/plain', size: o.size }
    const { id, uploadUrl, headers } = await api('POST', '/files/upload-url', file, 200)
    const head = rawHead(objectsUrl, 'PUT', uploadUrl.slice(new URL(uploadUrl).origin.length), {
      ...headers,
      'content-length': String(o.size),
    })
    await connection.send(head)
    for (let i = 0; i < o.pieces; i++) {
      await connection.send(piece)
      await sleep(500 + Math.random() * 500)
    }
    expectStatus(life, await connection.answer(patience), 200)
    await api('POST', '/files/confirm', { id }, 201)
    await api('DELETE', `/files/${id}`, null, 204)
    life.tally.uploads += 1
    life.tally.bytes += o.size
  })
}

type Upload = { id: string; uploadUrl: string; headers: Record<string, string> }
