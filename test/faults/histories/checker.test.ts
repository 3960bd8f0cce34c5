import { describe, expect, it } from 'vitest'
import { seededRandom } from '../seeded-random.ts'
import { checkHistory } from './checker.ts'
import type { Operation } from './history.ts'
import { objectModel, type ObjectAction, type ObjectState } from './object-model.ts'

type Line = { action: ObjectAction; from: number; to: number | null }
const from = (lines: readonly Line[]): Operation<ObjectAction>[] =>
  lines.map(({ action, from: began, to: ended }, client) => ({ client, key: 'k', action, began, ended }))
const verdict = (...lines: Line[]): string => checkHistory(objectModel, from(lines)).kind

const put = (value: string, more: Partial<Extract<ObjectAction, { kind: 'put' }>> = {}): ObjectAction => ({
  kind: 'put',
  value,
  result: 'stored',
  ...more,
})
const unknownPut = (value: string, more: Partial<Extract<ObjectAction, { kind: 'put' }>> = {}): ObjectAction => ({
  kind: 'put',
  value,
  ...more,
})
const get = (result: string | null): ObjectAction => ({ kind: 'get', result })
const list = (result: string | null): ObjectAction => ({ kind: 'list', result })
const deleted: ObjectAction = { kind: 'delete', result: 'deleted' }
const complete = (value: string, result?: 'completed' | 'no such upload'): ObjectAction => ({
  kind: 'complete',
  upload: 'u',
  value,
  ...(result && { result }),
})
const abort = (result: 'aborted' | 'no such upload'): ObjectAction => ({ kind: 'abort', upload: 'u', result })
/** `at(1, 4, action)`: began at 1 and was answered at 4; null: never answered. */
const at = (began: number, ended: number | null, action: ObjectAction): Line => ({ action, from: began, to: ended })

describe('accepts a linearizable history', () => {
  it.each<[string, Line[]]>([
    ['nothing', []],
    ['a write and a read after it', [at(0, 1, put('a')), at(2, 3, get('a'))]],
    ['two reads that see a running write in its order', [at(0, 9, put('a')), at(1, 2, get(null)), at(3, 4, get('a'))]],
    ['concurrent writes that are read in either order', [at(0, 5, put('a')), at(1, 4, put('b')), at(6, 7, get('a'))]],
    [
      'a write without a response that takes effect late',
      [at(0, null, put('a')), at(1, 2, get(null)), at(9, 10, get('a'))],
    ],
    ['a write without a response that never takes effect', [at(0, null, unknownPut('a')), at(1, 2, get(null))]],
    [
      'a write without a response that takes effect after a later one',
      [at(0, null, unknownPut('a')), at(1, 2, put('b')), at(3, 4, get('b')), at(5, 6, get('a'))],
    ],
    [
      'one of two concurrent conditional writes',
      [
        at(0, 5, put('a', { condition: 'absent' })),
        at(1, 6, put('b', { condition: 'absent', result: 'condition failed' })),
      ],
    ],
    [
      'a condition that failed because a write without a response took effect',
      [at(0, null, unknownPut('a')), at(1, 2, put('b', { condition: 'absent', result: 'condition failed' }))],
    ],
    ['a conflict without an effect', [at(0, 5, put('a', { result: 'conflict' })), at(6, 7, get(null))]],
    ['a listing that saw a running deletion', [at(0, 1, put('a')), at(2, 9, deleted), at(3, 4, list(null))]],
    [
      'a completion that is sent twice',
      [
        at(0, 1, complete('a', 'completed')),
        at(2, 3, put('b')),
        at(4, 5, complete('a', 'completed')),
        at(6, 7, get('b')),
      ],
    ],
    [
      'an upload that was aborted before it could be completed',
      [at(0, 5, abort('aborted')), at(1, 6, complete('a', 'no such upload')), at(7, 8, get(null))],
    ],
    [
      'If-Match with the ETag of a write without a response',
      [at(0, null, unknownPut('a')), at(1, 2, put('b', { condition: { is: 'a' } })), at(3, 4, get('b'))],
    ],
  ])('%s', (_, lines) => {
    expect(verdict(...lines)).toBe('linearizable')
  })
})

describe('rejects a history that is not linearizable', () => {
  it.each<[string, Line[]]>([
    ['a stale read', [at(0, 1, put('a')), at(2, 3, put('b')), at(4, 5, get('a'))]],
    ['a lost write', [at(0, 1, put('a')), at(2, 3, get(null))]],
    ['a value that was never written', [at(0, 1, put('a')), at(2, 3, get('z'))]],
    ['a read of a write that began later', [at(0, 1, get('a')), at(2, 3, put('a'))]],
    ['a running write that is read and then not', [at(0, 9, put('a')), at(1, 2, get('a')), at(3, 4, get(null))]],
    [
      'a deleted object that comes back',
      [at(0, 1, put('a')), at(2, 3, deleted), at(4, 5, get(null)), at(6, 7, get('a'))],
    ],
    [
      'a write that takes effect twice',
      [at(0, 9, put('a')), at(1, 2, get('a')), at(3, 4, put('b')), at(5, 6, get('b')), at(7, 8, get('a'))],
    ],
    [
      'a write without a response that takes effect twice',
      [at(0, null, unknownPut('a')), at(1, 2, get('a')), at(3, 4, put('b')), at(5, 6, get('a'))].concat(
        at(7, 8, put('c')),
        at(9, 10, get('a')),
      ),
    ],
    [
      'two conditional writes that both found no object',
      [at(0, 5, put('a', { condition: 'absent' })), at(1, 6, put('b', { condition: 'absent' }))],
    ],
    [
      'a condition that failed although its write took effect',
      [at(0, 1, put('a', { condition: 'absent', result: 'condition failed' })), at(2, 3, get('a'))],
    ],
    [
      'a failed If-None-Match without an object',
      [at(0, 1, put('a', { condition: 'absent', result: 'condition failed' }))],
    ],
    ['a conflict with an effect', [at(0, 5, put('a', { result: 'conflict' })), at(6, 7, get('a'))]],
    [
      'If-Match that overwrote another value',
      [at(0, 1, put('a')), at(2, 3, put('c')), at(4, 5, put('b', { condition: { is: 'a' } }))],
    ],
    ['a listing without an object', [at(0, 1, put('a')), at(2, 3, list(null))]],
    [
      'an upload that is completed after it was aborted',
      [at(0, 1, abort('aborted')), at(2, 3, complete('a', 'completed'))],
    ],
    [
      'a second completion that overwrites',
      [
        at(0, 1, complete('a', 'completed')),
        at(2, 3, put('b')),
        at(4, 5, complete('a', 'completed')),
        at(6, 7, get('a')),
      ],
    ],
    ['an open upload that is refused', [at(0, 1, complete('a', 'no such upload'))]],
  ])('%s', (_, lines) => {
    expect(verdict(...lines)).toBe('not linearizable')
  })
})

it('reports the longest possible order and the operations that do not fit after it', () => {
  const lines = [at(0, 1, put('a')), at(2, 3, put('b')), at(4, 5, get('a'))]
  const result = checkHistory(objectModel, from(lines))
  expect(result).toMatchObject({
    kind: 'not linearizable',
    furthest: { state: { value: 'b' }, blocked: [{ action: { kind: 'get', result: 'a' } }] },
  })
})

it('gives up after the maximum number of steps', () => {
  const writes = Array.from({ length: 12 }, (_, i) => at(i, 100 + i, put(`v${i}`)))
  const result = checkHistory(objectModel, from([...writes, at(200, 201, get('z'))]), { maxSteps: 1000 })
  expect(result.kind).toBe('undecided')
})

/** Carries out operations at a moment between their beginning and end, as a true register would. */
function play(
  seed: number,
  o: { clients: number; operations: number; percentLost: number },
): Operation<ObjectAction>[] {
  const random = seededRandom(seed)
  let state: ObjectState = objectModel.initial
  let events = 0
  const history: Operation<ObjectAction>[] = []
  const running: { operation: Operation<ObjectAction>; isDone: boolean }[] = []
  for (let made = 0; made < o.operations || running.length > 0;) {
    const client = random.int(1, o.clients)
    const mine = running.find(({ operation }) => operation.client === client)
    if (!mine) {
      if (made++ >= o.operations) continue
      const value = `v${made}`
      const action = random.pick<ObjectAction>([
        { kind: 'put', value },
        { kind: 'put', value, condition: 'absent' },
        { kind: 'put', value, condition: { is: state.value ?? 'none' } },
        { kind: 'delete' },
        { kind: 'get' },
        { kind: 'list' },
        { kind: 'complete', upload: `u${random.int(1, 5)}`, value: `u${made}` },
      ])
      // One upload has one value.
      if (action.kind === 'complete') action.value = action.upload
      const operation = { client, key: 'k', action, began: events++, ended: null }
      history.push(operation)
      running.push({ operation, isDone: false })
    } else if (!mine.isDone) {
      mine.isDone = true
      const { operation } = mine
      const isLost = random.int(1, 100) <= o.percentLost
      const known = answer(state, operation.action)
      if (!isLost || random.int(1, 2) === 1) state = objectModel.apply(state, known, true) ?? state
      if (isLost) running.splice(running.indexOf(mine), 1)
      else operation.action = known
    } else {
      mine.operation.ended = events++
      running.splice(running.indexOf(mine), 1)
    }
  }
  return history
}

function answer(state: ObjectState, action: ObjectAction): ObjectAction {
  switch (action.kind) {
    case 'put': {
      const isStored = objectModel.apply(state, action, false) !== undefined
      if (isStored) return { ...action, result: 'stored' }
      return { ...action, result: state.value === null ? 'no object' : 'condition failed' }
    }
    case 'delete':
      return { ...action, result: 'deleted' }
    case 'complete':
      return { ...action, result: 'completed' }
    case 'abort':
      return { ...action, result: 'aborted' }
    default:
      return { ...action, result: state.value }
  }
}

describe('random histories', () => {
  it('accepts every history of a correct register, also with lost answers', () => {
    for (let seed = 0; seed < 200; seed++) {
      const history = play(seed, { clients: 6, operations: 150, percentLost: seed % 3 === 0 ? 0 : 8 })
      expect({ seed, kind: checkHistory(objectModel, history).kind }).toEqual({ seed, kind: 'linearizable' })
    }
  })

  it('rejects most histories with one falsified read', () => {
    let refused = 0
    for (let seed = 0; seed < 100; seed++) {
      const history = play(seed, { clients: 4, operations: 120, percentLost: 4 })
      const random = seededRandom(seed)
      const reads = history.filter(({ action, ended }) => action.kind === 'get' && ended !== null)
      const read = random.pick(reads.slice(Math.floor(reads.length / 2)))
      const earlier = random.pick(reads.slice(0, Math.floor(reads.length / 4)))
      read.action = { ...earlier.action }
      const { kind } = checkHistory(objectModel, history)
      expect(kind).not.toBe('undecided')
      if (kind === 'not linearizable') refused++
    }
    expect(refused).toBeGreaterThan(50)
  })
})
