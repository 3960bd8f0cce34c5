/** Runs the Dockerfile's steps without an engine. The result is a Postern that does not run as root. */
import { spawn, spawnSync, type SpawnOptions } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../cli/free-port.ts'
import { parseDockerfile, replay, type Stage } from './dockerfile.ts'
import { isRoot } from './reverse-proxy.ts'

const context = join(import.meta.dirname, '../..')
const instructions = parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'))
const nobody = isRoot ? Number(spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).stdout) : undefined
let folder: string
let image: Stage

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-image-'))
  chmodSync(folder, 0o755)
  const stages = replay({
    context,
    folder,
    instructions,
    // The user that the base image brings.
    replaced: [[/chown node:node/, isRoot ? 'chown nobody' : 'ls -d']],
    // All packages, those for development too, are what this checkout has; those of the image are installed anew.
    instead: (command, stage) =>
      command.startsWith('npm ci') && !command.includes('--omit=dev')
        ? () => symlinkSync(join(context, 'node_modules'), join(stage.root, stage.workdir, 'node_modules'))
        : null,
  })
  image = stages.at(-1)!
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** As the container's user, with its variables alone. */
const asUser = (env: Record<string, string>): SpawnOptions => ({
  cwd: join(image.root, image.workdir),
  env: {
    PATH: [join(image.root, 'usr/local/bin'), join(process.execPath, '..')].join(':'),
    ...image.env,
    POSTERN_STORAGE_DISK_PATH: join(image.root, 'data'),
    ...env,
  },
  ...(nobody !== undefined && { uid: nobody, gid: nobody }),
})

function belongingsOf(user: number): string[] {
  const paths = readdirSync(image.root, { recursive: true, encoding: 'utf8' }).map((path) => join(image.root, path))
  return paths.filter((path) => lstatSync(path).uid === user)
}

const textOf = (name: string): string | undefined => image.rest.find((one) => one.name === name)?.text

it('the image does not run as root, uses one version of Node, and declares its volume, ports and health check', () => {
  const bases = instructions.filter(({ name }) => name === 'FROM').map(({ text }) => text.split(' ')[0])
  expect(new Set(bases)).toEqual(new Set(['node:24-slim']))
  expect(textOf('USER')).toBe('node')
  expect(textOf('VOLUME')).toBe(image.env['POSTERN_STORAGE_DISK_PATH'])
  expect(textOf('EXPOSE')).toBe('4000 4001')
  expect(textOf('HEALTHCHECK')).toMatch(/CMD \["postern", "health"\]$/)
  expect([textOf('ENTRYPOINT'), textOf('CMD')]).toEqual(['["postern-entrypoint"]', '["serve"]'])
})

it('contains only what the package needs, without sources, tools and secrets', () => {
  const app = join(image.root, 'app')
  expect(readdirSync(app).toSorted()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'config',
    'dist',
    'node_modules',
    'package.json',
  ])
  expect(readdirSync(join(app, 'config'))).toEqual(['default.yaml'])
  for (const tool of ['vitest', 'typescript', 'playwright-core'])
    expect(existsSync(join(app, 'node_modules', tool))).toBe(false)
})

it('starts, is healthy according to `postern health`, writes only to /data, and exits with 0', async () => {
  const [api, objects] = [await freePort(), await freePort()]
  const env = {
    POSTERN_SERVER_LISTEN: `0.0.0.0:${api}`,
    POSTERN_SERVER_PUBLIC_URL: `http://localhost:${api}`,
    POSTERN_OBJECTS_LISTEN: `0.0.0.0:${objects}`,
    POSTERN_OBJECTS_PUBLIC_URL: `http://localhost:${objects}`,
    POSTERN_CORS_ORIGINS: `http://localhost:${api}`,
    POSTERN_STORAGE_DISK_MIN_FREE: '1MiB',
  }
  const health = () => spawnSync('postern', ['health', '--json'], { ...asUser(env), encoding: 'utf8' })
  expect(health().status).toBe(1)

  const server = spawn('postern-entrypoint', ['serve', '--json'], { ...asUser(env), stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [server.stdout!, server.stderr!]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  const ended = new Promise<number | null>((resolve) => server.once('close', resolve))
  try {
    await new Promise<void>((resolve, reject) => {
      server.stdout!.once('data', () => resolve())
      void ended.then(() => reject(new Error(said)))
    })
    const asked = health()
    expect({ status: asked.status, ...JSON.parse(asked.stdout) }).toMatchObject({ status: 200, ok: true })
    expect((await fetch(`http://127.0.0.1:${api}/`)).status).toBe(200)
    const data = join(image.root, 'data')
    expect(statSync(join(data, 'secrets.json')).uid).toBe(nobody ?? process.getuid!())
    expect(nobody === undefined ? [] : belongingsOf(nobody).filter((path) => !path.startsWith(data))).toEqual([])
  } finally {
    server.kill('SIGTERM')
  }
  expect({ exitCode: await ended, said }).toMatchObject({ exitCode: 0 })
})

it('runs development mode if POSTERN_DEV_REMOTE is set, and then needs the printed token', async () => {
  const [api, objects] = [await freePort(), await freePort()]
  const env = {
    POSTERN_DEV_REMOTE: '1',
    POSTERN_SERVER_LISTEN: `127.0.0.1:${api}`,
    POSTERN_OBJECTS_LISTEN: `127.0.0.1:${objects}`,
    POSTERN_STORAGE_DISK_MIN_FREE: '1MiB',
  }
  const server = spawn('postern-entrypoint', ['serve'], { ...asUser(env), stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = new Promise<number | null>((resolve) => server.once('close', resolve))
  try {
    let said = ''
    const token = await new Promise<string>((resolve, reject) => {
      server.stdout!.setEncoding('utf8').on('data', (text: string) => {
        said += text
        const found = /^POSTERN_TOKEN=(\S+)$/m.exec(said)
        if (found) resolve(found[1]!)
      })
      void ended.then(() => reject(new Error(said)))
    })
    const statusWith = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`http://127.0.0.1:${api}/files`, { headers })).status
    expect(await statusWith({})).toBe(401)
    expect(await statusWith({ authorization: `Bearer ${token}` })).toBe(200)
  } finally {
    server.kill('SIGTERM')
  }
  expect(await ended).toBe(0)
})
