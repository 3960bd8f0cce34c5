/** The Go program of this folder, compiled once into the suite's own folder. */
import { join } from 'node:path'
import type { Rig } from './rig.ts'

const built = new WeakMap<Rig, Promise<string>>()

/** Runs one of its commands. Modules come from the module cache, or once from where `go` gets them. */
export async function runGo<Result>(rig: Rig, command: string, input: Record<string, unknown>): Promise<Result> {
  if (!built.has(rig)) built.set(rig, build(rig))
  const { stdout } = await rig.run((await built.get(rig))!, [command], { input: rig.spec(input) })
  return JSON.parse(stdout) as Result
}

async function build(rig: Rig): Promise<string> {
  const program = join(rig.dir, process.platform === 'win32' ? 'clients.exe' : 'clients')
  // Its caches are the machine's: everything else of the tools' environment points to an empty home.
  const caches = await rig.run('go', ['env', '-json', 'GOCACHE', 'GOENV', 'GOMODCACHE', 'GOPATH'], {
    env: { HOME: process.env['HOME'] ?? '' },
  })
  await rig.run('go', ['build', '-o', program, '.'], {
    cwd: join(import.meta.dirname, 'go'),
    env: JSON.parse(caches.stdout) as Record<string, string>,
    timeout: 170_000,
  })
  return program
}
