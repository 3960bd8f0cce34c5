/** The audit log with a full disk, and with control characters in a key. See docs/security-review.md. */
import { existsSync, statSync, writeSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openLineFile } from '../../src/http/append-lines.ts'
import { startHarness } from './harness.ts'

describe('the audit log', () => {
  it.skipIf(!existsSync('/dev/full'))('with a full disk stops neither the gateway nor its shutdown', async () => {
    const uncaught = vi.fn<() => void>()
    process.on('uncaughtException', uncaught)
    onTestFinished(() => void process.off('uncaughtException', uncaught))
    const { gateway, log, close } = await startHarness({ log: { audit: '/dev/full' } })
    for (let i = 0; i < 3; i++) expect((await fetch(`${gateway.apiUrl}/files`)).status).toBe(401)
    await expect.poll(() => log.join('')).toContain('log.audit cannot be written')
    expect((await fetch(`${gateway.apiUrl}/healthz`)).status).toBe(200)
    await close()
    expect(uncaught).not.toHaveBeenCalled()
  })

  it('waits for the disk and then continues, without lost or duplicate lines', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'postern-audit-'))
    onTestFinished(() => rm(dir, { recursive: true, force: true }))
    const path = join(dir, 'audit.log')
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    let calls = 0
    const write = async (file: number, bytes: Buffer) => {
      if (++calls < 4 && calls > 1) throw full
      // A disk that fills takes a part.
      return { bytesWritten: writeSync(file, bytes, 0, calls === 1 ? 3 : bytes.length), buffer: bytes }
    }
    const log = { error: vi.fn<() => void>(), info: vi.fn<() => void>() }
    const file = openLineFile(path, { name: 'log.audit', log, write: write as never, retryAfter: 5 })
    for (const line of ['first\n', 'second\n']) file.append(line)
    await expect.poll(() => log.info.mock.calls.length).toBe(1)
    file.append('third\n')
    await file.close()
    expect(await readFile(path, 'utf8')).toBe('first\nsecond\nthird\n')
    expect(log.error).toHaveBeenCalledOnce()
  })

  it('is one line per request for any key, readable only by its owner', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'postern-audit-'))
    onTestFinished(() => rm(dir, { recursive: true, force: true }))
    const path = join(dir, 'logs', 'audit.log')
    const file = openLineFile(path, { name: 'log.audit', log: pino({ level: 'silent' }) })
    file.append(`${JSON.stringify({ key: 'a\n{"who":"root"}\u2028' })}\n`)
    await file.close()
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(2)
    expect(statSync(path).mode & (process.platform === 'win32' ? 0 : 0o077)).toBe(0)
  })
})
