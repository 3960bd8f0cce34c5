/** Commands in a folder without a store say so, and create nothing there. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeBench, type Bench } from './run-postern.ts'

let bench: Bench
beforeAll(() => {
  bench = makeBench()
})
afterAll(() => bench.remove())

/** No server is asked for its secret. */
const nowhere = ['--set', 'server.listen=127.0.0.1:1']

it.each([
  ['token', '--sub', 'alice', ...nowhere],
  ['keys', 'create', '--owner', 'alice'],
  ['keys', 'list'],
  ['keys', 'rotate', '--gateway'],
  ['keys', 'revoke', 'PKNONE'],
  ['presign', 'get', 'uploads/a.txt'],
  ['presign', 'put', 'uploads/a.txt'],
  ['doctor'],
  ['verify'],
  ['gc'],
  ['backup', 'backup.tar'],
  ['quarantine', 'list'],
  ['quarantine', 'restore', '--all'],
  ['rebuild-index'],
  ['rebuild-log'],
  ['rebuild-catalog'],
  ['store', 'convert', '--to', '2'],
  [
    'webhooks',
    'list',
    '--set',
    'webhooks=[{"url":"https://example.com/","secret":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}]',
  ],
  ['db', 'migrate'],
])('refuses postern %s %s %s', async (...command) => {
  const { exitCode, stdout, stderr } = await bench.run(command)
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: `There is no store at ${join(bench.path, 'storage')}. Name its folder with --storage.\n`,
  })
  expect(readdirSync(bench.path)).toEqual([])
})

it('creates no new secrets if those of a store are missing', async () => {
  bench.write('storage/index.sqlite', '')
  const { exitCode, stderr } = await bench.run(['token', '--sub', 'alice', ...nowhere])
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: `${join(bench.path, 'storage/secrets.json')} is missing. Restore it from a backup, or start the server, which creates new secrets.\n`,
  })
  expect(readdirSync(join(bench.path, 'storage'))).toEqual(['index.sqlite'])
})

it('creates a token with a configured secret, which needs no store', async () => {
  const env = { POSTERN_AUTH_SECRET: 'a secret of at least thirty-two characters' }
  const { exitCode, stdout } = await bench.run(['token', '--sub', 'alice', '--storage', 'none'], { env })
  expect({ exitCode, parts: stdout.split('.').length }).toEqual({ exitCode: 0, parts: 3 })
  expect(readdirSync(bench.path)).toEqual(['storage'])
})
