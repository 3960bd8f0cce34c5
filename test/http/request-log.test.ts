import { describe, expect, it } from 'vitest'
import { createRequestLog, type LoggedRequest } from '../../src/http/request-log.ts'
import { loggedRequest } from '../fixtures/logged-request.ts'

const seqs = (requests: readonly LoggedRequest[]): number[] => requests.map(({ seq }) => seq)

describe('the ring of requests', () => {
  it('keeps the last requests and counts those that a reader has missed', () => {
    const log = createRequestLog({ capacity: 4 })
    expect(log.since(0, 10)).toEqual({ requests: [], missed: 0 })
    for (let i = 0; i < 10; i++) log.push(loggedRequest())
    const all = log.since(0, 100)
    expect([seqs(all.requests), all.missed]).toEqual([[7, 8, 9, 10], 6])
    expect(seqs(log.since(8, 100).requests)).toEqual([9, 10])
    expect(seqs(log.since(7, 1).requests)).toEqual([8])
    expect(log.since(10, 100)).toEqual({ requests: [], missed: 0 })
    // An id of the future, made up or of a ring that was longer, brings nothing and breaks nothing.
    expect(log.since(99, 100)).toEqual({ requests: [], missed: 0 })
  })

  it('keeps only the headers of the last refusals', () => {
    const log = createRequestLog({ capacity: 10, evidence: 2 })
    for (let i = 0; i < 5; i++) log.push(loggedRequest({ rawHeaders: ['host', 'x'] }))
    expect(log.since(0, 10).requests.map(({ rawHeaders }) => rawHeaders !== null)).toEqual([
      false,
      false,
      false,
      true,
      true,
    ])
  })

  it('cuts long targets', () => {
    const log = createRequestLog()
    log.push(loggedRequest({ target: `/${'a'.repeat(16_000)}` }))
    expect(log.since(0, 1).requests[0]!.target).toHaveLength(4096)
  })

  it('notifies readers until they leave or it closes', () => {
    const log = createRequestLog()
    const woken: string[] = []
    const leave = log.watch({ wake: () => woken.push('a'), end: () => woken.push('a ends') })
    log.watch({ wake: () => woken.push('b'), end: () => woken.push('b ends') })
    log.push(loggedRequest())
    leave()
    log.push(loggedRequest())
    log.close()
    log.push(loggedRequest())
    expect(woken).toEqual(['a', 'b', 'b', 'b ends'])
  })
})
