/** Runs the command as a child process, in its own folder and with only the given variables. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { loadSecrets } from '../../src/config/secrets.ts'
import { capturedLog } from '../fixtures/captured-log.ts'

export const script = join(import.meta.dirname, '../../src/cli/postern.ts')

export type Finished = { exitCode: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }

export type Started = {
  child: ChildProcess
  finished: Promise<Finished>
  /** What came so far. */
  output(): Pick<Finished, 'stdout' | 'stderr'>
  /** Resolves once `pattern` stands in stdout or stderr; rejects when the process ends without it. */
  until(pattern: RegExp): Promise<RegExpExecArray>
}

export type Bench = {
  path: string
  write(name: string, content: string): void
  /** Leaves what a server leaves at its first start, for commands that need a store. */
  makeStore(folder?: string): Promise<void>
  start(args: readonly string[], o?: RunOptions): Started
  run(args: readonly string[], o?: RunOptions): Promise<Finished>
  /** Ends what still runs, and removes the folder. */
  remove(): Promise<void>
}

type RunOptions = { env?: Record<string, string>; nodeArgs?: readonly string[]; input?: 'pipe' }

export function makeBench(): Bench {
  const path = mkdtempSync(join(tmpdir(), 'postern-cli-'))
  const running = new Set<Started>()

  function start(args: readonly string[], { env = {}, nodeArgs = [], input }: RunOptions = {}): Started {
    const inherited = Object.entries(process.env).filter(([name]) =>
      /^(PATH|NODE_COMPILE_CACHE|HOME|TMPDIR|TEMP|TMP|SYSTEMROOT)$/i.test(name),
    )
    const child = spawn(process.execPath, [...nodeArgs, script, ...args], {
      cwd: path,
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: [input ?? 'ignore', 'pipe', 'pipe'],
    })
    const started = follow(child, args[0] === 'serve')
    running.add(started)
    void started.finished.finally(() => running.delete(started))
    return started
  }

  return {
    path,
    write(name, content) {
      mkdirSync(dirname(join(path, name)), { recursive: true })
      writeFileSync(join(path, name), content)
    },
    async makeStore(folder = 'storage') {
      await loadSecrets(join(path, folder))
    },
    start,
    run: (args, o) => start(args, o).finished,
    async remove() {
      for (const { child } of running) child.kill('SIGKILL')
      await Promise.all([...running].map(({ finished }) => finished))
      rmSync(path, { recursive: true, force: true })
    },
  }
}

/** What a server writes on stderr is its log; what other commands write there is for who called them. */
function follow(child: ChildProcess, isServer: boolean): Started {
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const watch of watchers) watch()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    if (isServer) capturedLog.write(text)
    for (const watch of watchers) watch()
  })
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }))
  })
  const until = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const watch = (): void => {
        const found = pattern.exec(stdout) ?? pattern.exec(stderr)
        if (!found) return
        watchers.delete(watch)
        resolve(found)
      }
      watchers.add(watch)
      void finished.then(() => reject(new Error(`ended without ${pattern}:\n${stdout}\n${stderr}`)))
      watch()
    })
  return { child, finished, output: () => ({ stdout, stderr }), until }
}
