import { describe, expect, it } from 'vitest'
import { Semaphore } from '../../src/client/semaphore.ts'

const { signal } = new AbortController()

describe('Semaphore', () => {
  it('admits a limited number, and the others in order', async () => {
    const gate = new Semaphore(2)
    const order: string[] = []
    const [leaveOne] = [await gate.enter(signal), await gate.enter(signal)]
    const third = gate.enter(signal).then((leave) => (order.push('third'), leave))
    const fourth = gate.enter(signal).then((leave) => (order.push('fourth'), leave))
    await Promise.resolve()
    expect(order).toEqual([])
    leaveOne()
    const leaveThird = await third
    expect(order).toEqual(['third'])
    leaveThird()
    await fourth
    expect(order).toEqual(['third', 'fourth'])
  })

  it('keeps no place for a waiter that aborted', async () => {
    const gate = new Semaphore(1)
    const leave = await gate.enter(signal)
    const stop = new AbortController()
    const gaveUp = gate.enter(stop.signal)
    const next = gate.enter(signal)
    stop.abort(new Error('enough'))
    await expect(gaveUp).rejects.toThrow('enough')
    leave()
    await expect(next).resolves.toBeTypeOf('function')
  })

  it('does not lose the place of a waiter that aborted after it was admitted', async () => {
    const gate = new Semaphore(1)
    const leave = await gate.enter(signal)
    const stop = new AbortController()
    const late = gate.enter(stop.signal)
    leave()
    stop.abort()
    const leaveLate = await late
    leaveLate()
    await expect(gate.enter(signal)).resolves.toBeTypeOf('function')
  })

  it('does not admit an aborted waiter', async () => {
    await expect(new Semaphore(1).enter(AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
  })
})
