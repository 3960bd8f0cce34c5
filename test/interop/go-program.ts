/** Compiles the Go program of this folder once into the folder of the suite. */
import { join } from 'node:path'
import type { Harness } from './harness.ts'

const built = new WeakMap<Harness, Promise<string>>()

/** Runs one of its commands. Modules come from the module cache, or once from where `go` gets them. */
export async function runGo<Result>(
  harness: Harness,
  command: string,
  input: Record<string, unknown>,
): Promise<Result> {
  if (!built.has(harness)) built.set(harness, build(harness))
  const { stdout } = await harness.run((await built.get(harness))!, [command], { input: harness.spec(input) })
  return JSON.parse(stdout) as Result
}

async function build(harness: Harness): Promise<string> {
  const program = join(harness.dir, process.platform === 'win32' ? 'clients.exe' : 'clients')
  // Its caches are the machine's: everything else of the tools' environment points to an empty home.
  const caches = await harness.run('go', ['env', '-json', 'GOCACHE', 'GOENV', 'GOMODCACHE', 'GOPATH'], {
    env: { HOME: process.env['HOME'] ?? '' },
  })
  await harness.run('go', ['build', '-o', program, '.'], {
    cwd: join(import.meta.dirname, 'go'),
    env: JSON.parse(caches.stdout) as Record<string, string>,
    timeout: 170_000,
  })
  return program
}
