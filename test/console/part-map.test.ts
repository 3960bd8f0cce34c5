import { describe, expect, it } from 'vitest'
import { cellsOf } from '../../src/console/transfers/cells.ts'

describe('cellsOf', () => {
  it('shows whether each part is stored, in flight, retried or waiting', () => {
    const cells = cellsOf({
      done: 1,
      total: 4,
      size: 100,
      stored: new Set([1]),
      sending: [
        { part: 2, loaded: 25, phase: 'sending' },
        { part: 3, loaded: 0, phase: 'retrying' },
        { part: 1, loaded: 0, phase: 'idle' },
      ],
    })
    expect(cells).toEqual([
      { state: 'stored', fill: 1 },
      { state: 'sending', fill: 0.25 },
      { state: 'retrying', fill: 0 },
      { state: 'waiting', fill: 0 },
    ])
  })

  it('combines several parts in a cell if there are more parts than cells', () => {
    const stored = new Set(Array.from({ length: 5000 }, (_, i) => i + 1))
    const cells = cellsOf({ done: 5000, total: 9000, size: 100, stored, sending: [] })
    expect(cells.length).toBeLessThanOrEqual(240)
    expect(cells.filter(({ state }) => state === 'stored').length).toBe(Math.floor(5000 / Math.ceil(9000 / 240)))
    expect(cells.at(-1)).toEqual({ state: 'waiting', fill: 0 })
    const sum = cells.reduce((all, { fill }) => all + fill, 0)
    expect(sum / cells.length).toBeCloseTo(5000 / 9000, 2)
  })
})
