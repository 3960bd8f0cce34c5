/** `npm start` in a copy of the checkout. */
import { cpSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startNpm } from '../fixtures/npm.ts'
import { limit } from '../fixtures/time-limit.ts'

const root = join(import.meta.dirname, '..', '..')
let copy: string

beforeAll(() => {
  copy = realpathSync(mkdtempSync(join(tmpdir(), 'postern-start-')))
  for (const name of ['config/default.yaml', 'package.json', 'package-lock.json', 'scripts', 'src', 'tsconfig.json']) {
    cpSync(join(root, name), join(copy, name), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

/** Starts and stops it. */
async function start(): Promise<{ output: string; builtAt: number }> {
  const options = ['--dev', '--port', '0', '--set', 'objects.listen=127.0.0.1:0']
  const npm = startNpm(['start', '--silent', '--', ...options], { cwd: copy })
  try {
    const [, url] = await npm.until(/^POSTERN_URL=(\S+)$/m)
    expect((await fetch(`${url}/`)).headers.get('content-type')).toContain('text/html')
  } finally {
    await npm.stop()
  }
  return { output: npm.output(), builtAt: statSync(join(copy, 'dist/cli/postern.js')).mtimeMs }
}

describe('npm start', () => {
  it(
    'builds once, prints no build output, and builds again when a source is newer',
    { timeout: limit(240_000) },
    async () => {
      const first = await start()
      const second = await start()
      expect(second.builtAt).toBe(first.builtAt)
      const now = new Date()
      utimesSync(join(copy, 'src', 'index.ts'), now, now)
      const third = await start()
      expect(third.builtAt).toBeGreaterThan(first.builtAt)
      for (const { output } of [first, second, third]) expect(output).not.toMatch(/vite|rolldown|dist\/|build/i)
      expect(readdirSync(join(copy, 'dist')).toSorted()).toEqual(['cli', 'console', 'index.js', 'testing'])
    },
  )
})
