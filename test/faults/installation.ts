/** One installation of the gateway. Its folders, addresses and keys survive restarts of the process. */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { inject } from 'vitest'
import { freePort } from '../cli/free-port.ts'

export type InstallationOptions = {
  /** Where storage lies: what the fault is done to. */
  storage: string
  /** For the settings; safe from the fault. */
  outside: string
  /** Default: in `storage`. */
  catalog?: string
  /** As in the YAML file, over the settings of these suites. */
  settings?: Record<string, unknown>
}

export type Installation = {
  api: string
  objects: string
  storage: string
  catalog: string
  settingsFile: string
  /** For direct use of the objects endpoint; owner `faults`, bucket `faults`. */
  keys: { accessKeyId: string; secretAccessKey: string }
  token(user: string): Promise<string>
  start(o?: RunOptions): Server
  /** Runs another command of the program on this installation. */
  command(args: readonly string[], o?: RunOptions): Server
}

/** `stderr`: a file to write the log to. */
export type RunOptions = { env?: Record<string, string>; stderr?: number }

export type Server = {
  child: ChildProcess
  pid: number
  /** Resolves when both addresses answer; rejects with what the program said when it ends before. */
  ready: Promise<void>
  exited: Promise<number | null>
  /** What it wrote to stderr: its log, and on stdout. */
  log(): string
  output(): string
  kill(): Promise<void>
  /** Asks it to end; resolves to its exit code. */
  stop(): Promise<number | null>
}

export const bucket = 'faults'
const keptLog = 200_000

export async function createInstallation(o: InstallationOptions): Promise<Installation> {
  const [apiPort, objectsPort] = [await freePort(), await freePort()]
  const keys = { accessKeyId: 'POSTERNFAULTSKEY0001', secretAccessKey: randomBytes(30).toString('base64url') }
  const secret = randomBytes(48).toString('base64url')
  const catalog = o.catalog ?? join(o.storage, 'catalog.sqlite')
  const settings = {
    server: { listen: `127.0.0.1:${apiPort}`, shutdownTimeout: '5s' },
    objects: { listen: `127.0.0.1:${objectsPort}` },
    storage: { disk: { path: o.storage, minFree: '1MiB' } },
    database: { url: `sqlite:${catalog}` },
    auth: { secret },
    keys: [{ ...keys, owner: 'faults' }],
    uploads: { allowedTypes: ['*/*'], partSize: '5MiB' },
    limits: { issuePerMinute: 1_000_000, requestsPerMinute: 1_000_000, pendingUploads: 1_000_000 },
    log: { level: 'warn', format: 'json' },
  }
  await mkdir(o.outside, { recursive: true })
  const settingsFile = join(o.outside, 'postern.yaml')
  // JSON is YAML.
  await writeFile(settingsFile, JSON.stringify(merge(settings, o.settings ?? {})), { mode: 0o600 })
  const program = inject('program')
  return {
    api: `http://127.0.0.1:${apiPort}`,
    objects: `http://127.0.0.1:${objectsPort}`,
    storage: o.storage,
    catalog,
    settingsFile,
    keys,
    token: (user) =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(user)
        .setExpirationTime('1d')
        .sign(Buffer.from(secret)),
    start: (how) => run([program, 'serve', '--json', '--config', settingsFile], o.outside, how),
    command: (args, how) => run([program, ...args, '--config', settingsFile], o.outside, how),
  }
}

/** A test that is ended by its time limit must not leave a server behind. */
const running = new Set<ChildProcess>()
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')))

function run(command: string[], cwd: string, { env = {}, stderr }: RunOptions = {}): Server {
  const child = spawn(process.execPath, command, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', stderr ?? 'pipe'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  let log = ''
  let output = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-keptLog)))
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      output += text
      // A refusal to start is JSON too.
      if (/^\{"api".*\n/.test(output)) resolve()
    })
    void exited.then((code) =>
      reject(new Error(`the server ended with ${code} before it was ready:\n${log.slice(-2000)}`)),
    )
  })
  // Whoever waits for it still hears.
  ready.catch(() => {})
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    return exited
  }
  return {
    child,
    pid: child.pid!,
    ready,
    exited,
    log: () => log,
    output: () => output,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  }
}

type Tree = Record<string, unknown>

function merge(base: Tree, over: Tree): Tree {
  const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)
  const merged = Object.entries(over).map(([name, value]) => {
    const before = base[name]
    return [name, isTree(before) && isTree(value) ? merge(before, value) : value]
  })
  return { ...base, ...Object.fromEntries(merged) }
}
