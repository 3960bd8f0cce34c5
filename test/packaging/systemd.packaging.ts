/** Checks the unit with systemd-analyze, which does not need a running systemd. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ops, substitute } from './reverse-proxy.ts'

const unit = readFileSync(join(ops, 'systemd/postern.service'), 'utf8')
let dir: string
let file: string

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'postern-unit-'))
  file = join(dir, 'postern.service')
  // The command of the unit has to be there.
  writeFileSync(file, substitute(unit, [['/usr/local/bin/postern', process.execPath]]))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

function analyze(...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', [...args, file], { encoding: 'utf8' })
  return { status, said: stdout + stderr }
}

it('systemd-analyze verify reports nothing', () => {
  expect(analyze('verify')).toEqual({ status: 0, said: '' })
})

it('systemd-analyze security rates the unit 1.5 or better', () => {
  expect(analyze('security', '--offline=true', '--no-pager', '--threshold=15')).toMatchObject({ status: 0 })
})

it('systemd-analyze reports an invalid unit', () => {
  writeFileSync(file, `${readFileSync(file, 'utf8')}\n[Service]\nProtectSytem=strict\n`)
  expect(analyze('verify').said).toContain('ProtectSytem')
})

it('stores files in its state directory, and is sandboxed', () => {
  const value = (key: string): string[] => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, of]) => of!)
  expect(value('Environment')).toContain('POSTERN_STORAGE_DISK_PATH=/var/lib/postern')
  expect(value('StateDirectory')).toEqual(['postern'])
  expect(value('ProtectSystem')).toEqual(['strict'])
  expect(value('NoNewPrivileges')).toEqual(['yes'])
})
