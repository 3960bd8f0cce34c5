/** The state that the workers of one gateway share. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { callerWith, store, type Answer, type Caller } from '../api/caller.ts'
import { startCommand, type RunningCommand } from '../fixtures/workers.ts'
import { limit } from '../fixtures/time-limit.ts'

let gateway: RunningCommand
beforeAll(async () => {
  gateway = await startCommand({
    server: { workers: 3, shutdownTimeout: '5s' },
    limits: { issuePerMinute: 30 },
  })
})
afterAll(() => gateway?.close())
const user = async (name: string): Promise<Caller> =>
  callerWith(gateway.apiUrl, { authorization: `Bearer ${await gateway.token(name)}`, connection: 'close' })

describe('workers', () => {
  it('share one rate limit', async () => {
    const alice = await user('alice')
    const ask = () => alice.post('/files/upload-url', { filename: 'a.txt', mimeType: 'text/plain' })
    const asked: Answer[] = []
    // A few at once, because a worker that gets no answer from the primary within a second counts alone.
    while (asked.length < 60) asked.push(...(await Promise.all(Array.from({ length: 6 }, ask))))
    expect(asked.filter(({ status }) => status === 200)).toHaveLength(30)
    const refused = asked.find(({ status }) => status !== 200)
    expect(refused?.status).toBe(429)
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
    // Their log lines arrive a little later.
    await vi.waitFor(() => expect(gateway.workers().toSorted()).toEqual([0, 1, 2]), { timeout: limit(10_000) })
  })

  it('are restarted when they die, while the others continue', async () => {
    const carol = await user('carol')
    const { id } = await store(carol, 'kept')
    const before = gateway.log().length
    const pids = workerPids(gateway)
    process.kill(pids.at(-1)!, 'SIGKILL')
    while (!gateway.log().slice(before).includes('a worker serves again')) {
      // A connection that the dead one held is gone with it; a new one leads to another.
      const read = () => carol.get(`/files/${id}`)
      expect((await read().catch(read)).status).toBe(200)
      await sleep(20)
    }
    expect(workerPids(gateway).filter((pid) => !pids.includes(pid))).toHaveLength(1)
  })

  it('have exclusive ports', async () => {
    const { port } = new URL(gateway.apiUrl)
    const settings = { server: { listen: `127.0.0.1:${port}`, workers: 2 } }
    await expect(startCommand(settings)).rejects.toThrow(`127.0.0.1:${port} is in use by another program`)
  })

  it('drain together: a running upload completes, and the command exits with 0', async () => {
    const dave = await user('dave')
    const issued = await dave.post('/files/upload-url', { filename: 's.txt', mimeType: 'text/plain' })
    const { uploadUrl, headers } = issued.json
    const sending = request(uploadUrl, {
      method: 'PUT',
      headers: { ...headers, 'content-length': 10, expect: '100-continue' },
      agent: false,
    })
    sending.flushHeaders()
    await once(sending, 'continue')
    gateway.child.kill('SIGTERM')
    while (!gateway.log().includes('Stopping')) await sleep(10)
    const answered = once(sending, 'response')
    sending.end('0123456789')
    expect((await answered)[0].statusCode).toBe(200)
    expect(await gateway.ended).toBe(0)
  })
})

/** As the processes themselves tell: a worker's log lines carry no pid, its parent's children do. */
function workerPids({ child }: RunningCommand): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=']).toString().trim().split('\n')
  return lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === child.pid)
    .map(([pid]) => pid!)
}
