/**
 * `npm run example NAME`: a gateway with its data in storage/examples, and one of `examples/` beside it. Installs what
 * the example needs. Ctrl-C ends both. PORT is the page's; `POSTERN_…` variables go to the gateway.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { buildBrowser } from './build-browser.ts'

const require = createRequire(import.meta.url)
const root = join(import.meta.dirname, '..')

type Gateway = { api: string; objects: string | null }
type Example = {
  /** Whether requests without credentials are let in. */
  dev?: true
  gatewayEnv?: Record<string, string>
  /** What is run in the example's folder. */
  script: string
  args?: readonly string[]
  port: number
  /** Where the page is, below its origin. */
  path?: (gateway: Gateway) => string
  env: (gateway: Gateway) => Record<string, string>
}

const secret = (): string => randomBytes(32).toString('base64url')
const accessKey = { accessKeyId: 'EXPRESS', secretAccessKey: secret(), owner: 'express-example' }
const authSecret = process.env['POSTERN_AUTH_SECRET'] ?? secret()

const examples: Record<string, Example> = {
  html: {
    dev: true,
    script: 'serve.js',
    port: 5173,
    path: ({ api }) => `?api=${encodeURIComponent(api)}`,
    env: () => ({}),
  },
  react: {
    dev: true,
    script: join(dirname(require.resolve('vite/package.json')), 'bin', 'vite.js'),
    port: 5173,
    env: ({ api }) => ({ VITE_POSTERN_URL: api }),
  },
  express: {
    gatewayEnv: { POSTERN_KEYS: JSON.stringify([accessKey]) },
    script: 'server.js',
    port: 3000,
    env: ({ objects }) => ({
      S3_ENDPOINT: objects ?? '',
      AWS_ACCESS_KEY_ID: accessKey.accessKeyId,
      AWS_SECRET_ACCESS_KEY: accessKey.secretAccessKey,
    }),
  },
  nextjs: {
    gatewayEnv: { POSTERN_AUTH_SECRET: authSecret },
    script: join('node_modules', 'next', 'dist', 'bin', 'next'),
    args: ['dev', '--hostname', 'localhost'],
    port: 3000,
    env: ({ api }) => ({
      POSTERN_URL: api,
      POSTERN_AUTH_SECRET: authSecret,
      SESSION_SECRET: secret(),
      NEXT_TELEMETRY_DISABLED: '1',
    }),
  },
}

const running = new Set<ChildProcess>()
let isEnding = false

/** Ends everything once one of the processes has ended, and with its exit code. */
function start(script: string, args: readonly string[], o: { cwd: string; env: NodeJS.ProcessEnv; isRead?: boolean }) {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: o.cwd,
    env: o.env,
    stdio: ['ignore', o.isRead ? 'pipe' : 'inherit', 'inherit'],
  })
  running.add(child)
  child.on('exit', (code) => {
    running.delete(child)
    end(code ?? 1)
  })
  return child
}

function end(exitCode: number): void {
  if (!isEnding) process.exitCode = exitCode
  isEnding = true
  for (const child of running) child.kill()
}

async function startGateway({ dev, gatewayEnv }: Example): Promise<Gateway> {
  const defaults = { POSTERN_STORAGE_DISK_PATH: join('storage', 'examples'), POSTERN_LOG_LEVEL: 'warn' }
  const env: NodeJS.ProcessEnv = { ...defaults, ...process.env, ...gatewayEnv }
  delete env['PORT']
  const options = ['serve', '--json', ...(dev ? ['--dev'] : [])]
  const child = start(join(root, 'src', 'cli', 'postern.ts'), options, { cwd: root, env, isRead: true })
  for await (const line of createInterface(child.stdout!)) return JSON.parse(line) as Gateway
  // It has said why on stderr.
  return process.exit(1)
}

/** As its lock says, once, and again when the lock is newer. */
function install(folder: string): void {
  const lock = join(folder, 'package-lock.json')
  const installed = join(folder, 'node_modules', '.package-lock.json')
  if (!existsSync(lock) || (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs)) return
  const npm = process.env['npm_execpath']
  if (npm === undefined) throw new Error('Start it with npm: npm run example NAME')
  const done = spawnSync(process.execPath, [npm, 'ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' })
  if (done.status !== 0) throw new Error(`npm ci failed in ${folder}.`)
}

async function untilItAnswers(url: string): Promise<void> {
  const isThere = await fetch(url).then(
    () => true,
    () => false,
  )
  if (isThere || isEnding) return
  await new Promise((resolve) => setTimeout(resolve, 100))
  return untilItAnswers(url)
}

const name = process.argv[2] ?? ''
const example = examples[name]
if (!example) {
  console.error(`Which one? npm run example ${Object.keys(examples).join('|')}`)
  process.exit(2)
}
process.on('SIGINT', () => end(0))
process.on('SIGTERM', () => end(0))

const folder = join(root, 'examples', name)
install(folder)
await buildBrowser(join(root, 'dist'))
const gateway = await startGateway(example)
const port = process.env['PORT'] ?? String(example.port)
const env = { ...process.env, ...example.env(gateway), PORT: port }
start(example.script, example.args ?? [], { cwd: folder, env })
const page = `http://localhost:${port}/`
await untilItAnswers(page)
if (!isEnding) console.log(`\nThe gateway is at ${gateway.api}. Open ${page}${example.path?.(gateway) ?? ''}\n`)
