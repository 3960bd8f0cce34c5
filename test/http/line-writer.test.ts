import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createLineWriter } from '../../src/http/line-writer.ts'

const failure = (code: string): Error => Object.assign(new Error(code), { code })

/** The other end: takes what it is told to, and fails with `code` while that is set. */
function makeEnd(code: string | null = null) {
  const end = { code, text: '', most: Infinity, recovered: [] as number[], failures: 0 }
  const take = (bytes: Buffer): number => {
    if (end.code !== null) throw failure(end.code)
    const taken = bytes.subarray(0, Math.min(end.most, bytes.length))
    end.text += taken.toString()
    return taken.length
  }
  const options = {
    put: async (bytes: Buffer) => take(bytes),
    putSync: take,
    retryAfter: 5,
    onFailure: () => void end.failures++,
    onRecovery: ({ dropped }: { dropped: number }) => void end.recovered.push(dropped),
  }
  return { end, options }
}

describe('unread lines', () => {
  it.each(['ENOSPC', 'EDQUOT', 'EIO', 'EPIPE', 'EAGAIN'])(
    'wait up to the limit, then are dropped and counted: %s',
    async (code) => {
      const { end, options } = makeEnd(code)
      const lines = createLineWriter({ ...options, maxWaiting: 10 })
      lines.append('first')
      await sleep(10)
      for (const line of ['12345', '67890', 'lost1', 'lost2']) lines.append(line)
      expect(lines.dropped).toBe(2)
      expect(end.failures).toBe(code === 'EAGAIN' ? 0 : 1)
      end.code = null
      await expect.poll(() => end.text).toBe('first1234567890')
      expect(end.recovered).toEqual([2])
      lines.append('next')
      await expect.poll(() => end.text).toBe('first1234567890next')
      expect([lines.dropped, end.recovered]).toEqual([2, [2]])
    },
  )

  it('are counted as dropped if they are never read', async () => {
    const { options } = makeEnd('ENOSPC')
    const lines = createLineWriter(options)
    for (const line of ['one', 'two', 'three']) lines.append(line)
    await lines.close()
    expect(lines.dropped).toBe(3)
  })

  it('are complete and in order if they are read in pieces', async () => {
    const { end, options } = makeEnd()
    end.most = 3
    const lines = createLineWriter(options)
    for (const line of ['hello\n', 'world\n']) lines.append(line)
    await lines.close()
    expect(end.text).toBe('hello\nworld\n')
  })

  it('are written at the end of the process, as far as possible', () => {
    const { end, options } = makeEnd()
    const lines = createLineWriter({ ...options, put: () => new Promise<number>(() => {}) })
    lines.append('with the system already')
    lines.append('a')
    lines.append('b')
    lines.flushSync()
    lines.flushSync()
    expect(end.text).toBe('ab')
    end.code = 'EAGAIN'
    lines.append('c')
    lines.flushSync()
    end.code = null
    lines.flushSync()
    expect(end.text).toBe('abc')
  })
})
