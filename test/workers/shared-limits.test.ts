/** limits.connections hold for all workers together. */
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { startCommand, type RunningCommand } from '../fixtures/workers.ts'
import { limit } from '../fixtures/time-limit.ts'
import { connect, rawHead, type RawConnection } from '../fixtures/raw-http.ts'

const allowed = 24
let gateway: RunningCommand
beforeAll(async () => {
  gateway = await startCommand({ server: { workers: 3 }, limits: { connections: allowed } })
})
afterAll(() => gateway?.close())

/** A connection that stays open, or null where it was refused. */
async function enter(base: string): Promise<RawConnection | null> {
  const connection = await connect(base)
  await connection.send(rawHead(base, 'GET', '/healthz')).catch(() => {})
  const { status } = await connection.answer()
  expect([200, 403, 404, 503]).toContain(status)
  if (status !== 503) return connection
  connection.close()
  return null
}

/** Refused by whichever worker is reached: each hears of the others' connections a moment later. */
const isFull = async (): Promise<boolean> => {
  const entered = (await Promise.all(Array.from({ length: 12 }, () => enter(gateway.apiUrl)))).filter(Boolean)
  for (const one of entered) one?.close()
  return entered.length === 0
}

it('limits open connections over both ports and all workers, and frees those of a dead worker', async () => {
  const held: RawConnection[] = []
  onTestFinished(() => held.forEach((one) => one.close()))
  for (let i = 0; i < allowed; i++) {
    const one = await enter(i % 2 ? gateway.apiUrl : gateway.objectsUrl)
    if (one) held.push(one)
  }
  expect(held).toHaveLength(allowed)
  await expect.poll(isFull, { timeout: limit(10_000) }).toBe(true)
  const refused = await Promise.all(Array.from({ length: 30 }, () => enter(gateway.apiUrl)))
  expect(refused.filter((one) => one !== null)).toEqual([])

  for (const one of held.splice(0, 3)) one.close()
  await expect.poll(isFull, { timeout: limit(10_000) }).toBe(false)
  while (held.length < allowed) {
    const one = await enter(gateway.apiUrl)
    if (one) held.push(one)
  }
  await expect.poll(isFull, { timeout: limit(10_000) }).toBe(true)

  const cut = Promise.race(held.map((one) => one.closed(limit(20_000))))
  process.kill(workerPid(gateway), 'SIGKILL')
  await cut
  await expect.poll(isFull, { timeout: limit(10_000) }).toBe(false)
})

function workerPid({ child }: RunningCommand): number {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=']).toString().trim().split('\n')
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number))
  return pairs.find(([, parent]) => parent === child.pid)![0]!
}
