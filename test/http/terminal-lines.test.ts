import { describe, expect, it } from 'vitest'
import { createTerminalFormat } from '../../src/http/terminal-lines.ts'

const format = createTerminalFormat(false)
const time = new Date(2026, 0, 2, 13, 4, 5).getTime()
const line = (entry: object): string => format(`${JSON.stringify({ level: 30, time, ...entry })}\n`)

describe('the log at a terminal', () => {
  it('prints a request as one line without its query', () => {
    const entry = {
      method: 'PUT',
      url: '/postern/uploads/a.png?X-Amz-Signature=1',
      status: 200,
      ms: 3.2,
      msg: 'answered',
    }
    expect(line(entry)).toBe('13:04:05 PUT /postern/uploads/a.png 200 3 ms\n')
  })

  it('prints the code, the reason and the page of a refused request', () => {
    const entry = {
      method: 'PUT',
      url: '/b/k',
      status: 403,
      ms: 1,
      code: 'AccessDenied',
      reason: 'No.',
      details: 'http://x/#/log/1',
    }
    expect(line(entry)).toBe('13:04:05 PUT /b/k 403 AccessDenied: No. → http://x/#/log/1\n')
  })

  it('prints a request that the client aborted as aborted', () => {
    expect(line({ method: 'PUT', url: '/b/k', status: 0, ms: 12, aborted: true })).toBe(
      '13:04:05 PUT /b/k aborted 12 ms\n',
    )
  })

  it('prints other entries with their level and fields, and the stack of an error', () => {
    expect(line({ level: 40, msg: 'low on space', free: 10, path: '/data' })).toBe(
      '13:04:05 warn low on space free=10 path=/data\n',
    )
    expect(line({ level: 50, msg: 'failed', err: { message: 'x', stack: 'Error: x\n  at y' } })).toBe(
      '13:04:05 error failed\nError: x\n  at y\n',
    )
  })

  it('replaces control characters, so that a client cannot write to the terminal', () => {
    const entry = {
      method: 'GET',
      url: '/a\u001b[2J\nfake',
      status: 404,
      ms: 1,
      code: 'NoSuchKey',
      reason: 'b\u0007\r\nc',
    }
    expect(line(entry)).toBe('13:04:05 GET /a\uFFFD[2J fake 404 NoSuchKey: b\uFFFD\uFFFD c\n')
  })

  it('colors only on request', () => {
    expect(createTerminalFormat(true)(JSON.stringify({ level: 50, time, msg: 'x' }))).toContain('\u001b[31m')
    expect(line({ level: 50, msg: 'x' })).not.toContain('\u001b')
  })
})
