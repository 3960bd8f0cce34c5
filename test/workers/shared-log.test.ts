/** The console's log and the findings of the scrub cover all workers, whichever of them responds. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { call, callerWith, put, textFile, type Caller } from '../api/caller.ts'
import { readEvents, type EventReader } from '../api/event-reader.ts'
import type { LogEntry } from '../../src/api/contract.ts'
import { startCommand, type RunningCommand } from '../fixtures/workers.ts'

const workers = 3
const damaged = 'ab'.repeat(16)
let dir: string
let gateway: RunningCommand
let alice: Caller
const open: EventReader[] = []

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'postern-log-'))
  mkdirSync(join(dir, 'storage'))
  writeFileSync(join(dir, 'storage', 'scrub.json'), JSON.stringify({ damaged: [damaged] }))
  gateway = await startCommand({ server: { workers }, auth: { admins: ['root'] } }, { dir })
  // Each request comes by a connection of its own, and so to any of the workers.
  const authorization = `Bearer ${await gateway.token('alice')}`
  alice = callerWith(gateway.apiUrl, { authorization, connection: 'close' })
})
afterEach(() => {
  for (const reader of open.splice(0)) reader.close()
})
afterAll(async () => {
  await gateway?.close()
  rmSync(dir, { recursive: true, force: true })
})

async function watch(headers: Record<string, string> = {}): Promise<EventReader> {
  const authorization = `Bearer ${await gateway.token('root')}`
  const all = { authorization, connection: 'close', ...headers }
  const reader = await readEvents(`${gateway.apiUrl}/console/log`, all)
  open.push(reader)
  return reader
}

/** Requests until each of the workers has answered one at least, by id. */
async function ask(count: number): Promise<string[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => alice.get('/files/usage')))
  return answers.map(({ headers }) => headers.get('x-request-id')!)
}

const runOf = ({ id }: LogEntry): string => id.split('-')[0]!

async function read(reader: EventReader, ids: readonly string[]): Promise<{ entries: LogEntry[]; lastId: string }> {
  const wanted = new Set(ids)
  const entries: LogEntry[] = []
  let lastId = ''
  while (wanted.size > 0) {
    const { id, data } = await reader.next(({ name }) => name === 'request')
    const entry = data as LogEntry
    lastId = id
    entries.push(entry)
    wanted.delete(entry.requestId)
  }
  return { entries, lastId }
}

describe('the log of several workers', () => {
  it('contains past and new requests once each, from any worker', async () => {
    const before = await ask(40)
    const readers = await Promise.all(Array.from({ length: 5 }, () => watch()))
    for (const reader of readers) {
      const { entries } = await read(reader, before)
      expect(new Set(entries.map(runOf)).size).toBe(workers)
    }
    const after = await ask(40)
    for (const reader of readers) {
      const { entries } = await read(reader, after)
      expect(entries.map(({ requestId }) => requestId).toSorted()).toEqual(after.toSorted())
    }
  })

  it('continues at another worker after a disconnect', async () => {
    const first = await watch()
    let { lastId } = await read(first, await ask(20))
    first.close()
    for (let round = 0; round < 6; round++) {
      const meanwhile = await ask(10)
      const reader = await watch({ 'last-event-id': lastId })
      expect((await reader.next()).data).toEqual({ resumed: true })
      const { entries, lastId: next } = await read(reader, meanwhile)
      expect(entries.map(({ requestId }) => requestId).toSorted()).toEqual(meanwhile.toSorted())
      lastId = next
      reader.close()
    }
  })

  it('explains refusals of all workers', async () => {
    const reader = await watch()
    const refused = await Promise.all(
      Array.from({ length: 12 }, async () => {
        const issued = (await alice.post('/files/upload-url', textFile)).json
        const headers = { ...issued.headers, 'content-type': 'image/png', connection: 'close' }
        return (await put(issued, 'x', headers)).headers.get('x-amz-request-id')!
      }),
    )
    const { entries } = await read(reader, refused)
    const told = entries.filter(({ requestId }) => refused.includes(requestId))
    expect(new Set(told.map(runOf)).size).toBeGreaterThan(1)
    for (const { refusal } of told) {
      expect(refusal?.explanation?.difference).toMatchObject({ code: 'HeaderChanged' })
      expect(refusal?.headers).toContainEqual(['content-type', 'image/png'])
    }
  })
})

it('the findings of the scrub are in the metrics once, from any worker', async () => {
  const texts = await Promise.all(
    Array.from({ length: 12 }, async () => {
      return (await call(`${gateway.apiUrl}/metrics`, { headers: { connection: 'close' } })).text
    }),
  )
  for (const text of texts) expect(text.match(/^postern_damaged_objects .*$/gm)).toEqual(['postern_damaged_objects 1'])
})
