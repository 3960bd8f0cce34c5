/** What the suites of this folder need from the machine, and whether it is available. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findPostgres } from '../fixtures/postgres.ts'
import { onMount } from './mounts.ts'
import { attach } from './strace.ts'
import { seededRandom } from './seeded-random.ts'
import { fileSystems, hasFileSystem, makeCachedMount } from './write-cache/mount.ts'

/** Each by an attempt at the thing itself: containers often have the programs and not the right to use them. */
const abilities = {
  'power cuts': {
    probe: () => onMount({ kind: 'ext4', size: '16M' }, async (mount) => (await mount.preparePowerCut())()),
    needs: 'root, mkfs.ext4, a loop device to mount, and xfs_io that may shut the file system down',
  },
  'write caches': {
    probe: tryWriteCaches,
    needs: 'root, FUSE, loop devices, and the mkfs of each file system that the kernel has (ext4, xfs, btrfs)',
  },
  tmpfs: { probe: () => onMount({ kind: 'tmpfs', size: '1M' }, async () => {}), needs: 'root, to mount a tmpfs' },
  gcc: {
    probe: async () => void (await promisify(execFile)('gcc', ['--version'])),
    needs: 'gcc and the headers of the C library',
  },
  PostgreSQL: { probe: async () => expectFound(findPostgres(), 'no initdb was found'), needs: 'PostgreSQL' },
  'an S3 store': {
    probe: async () => expectFound(process.env['S3_TEST_ENDPOINT'], 'S3_TEST_ENDPOINT is not set'),
    needs: 'a real S3 store: S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY_ID and S3_TEST_SECRET_ACCESS_KEY',
  },
  strace: { probe: traceSomething, needs: 'strace, and the right to trace processes' },
} as const

export type Ability = keyof typeof abilities

const suiteAbilities: Record<string, readonly Ability[]> = {
  'power-cut': ['power cuts'],
  'lost-disk': ['power cuts'],
  'torn-writes': ['write caches', 'strace'],
  'sync-failures': ['strace'],
  'histories-disk': ['PostgreSQL'],
  'histories-bucket': ['an S3 store'],
  'system-calls': ['strace'],
  'write-order': ['strace'],
  'every-call': ['gcc'],
  'full-disk': ['tmpfs'],
}

/** Suites that cannot run on this machine, each with the reason. */
export async function missingSuites(): Promise<{ suite: string; reason: string }[]> {
  const failures = new Map<Ability, string>()
  for (const name of Object.keys(abilities) as Ability[]) {
    const failure = await attempt(abilities[name].probe)
    if (failure !== null) failures.set(name, `needs ${abilities[name].needs} (${failure})`)
  }
  return Object.entries(suiteAbilities).flatMap(([suite, names]) =>
    names.flatMap((name) => {
      const reason = failures.get(name)
      return reason === undefined ? [] : [{ suite, reason }]
    }),
  )
}

async function attempt(probe: () => Promise<unknown>): Promise<string | null> {
  try {
    if (process.platform !== 'linux') return `this is ${process.platform}, not Linux`
    await probe()
    return null
  } catch (error) {
    const { message } = error as Error
    return message.trim().split('\n').at(-1) ?? message
  }
}

async function tryWriteCaches(): Promise<void> {
  for (const kind of fileSystems) {
    if (!(await hasFileSystem(kind))) continue
    const mount = await makeCachedMount({ kind, random: seededRandom(1), size: 2 ** 29 })
    try {
      const cut = await mount.preparePowerCut()
      await cut()
      await mount.remount()
    } finally {
      await mount.remove()
    }
  }
}

function expectFound(what: string | null | undefined, otherwise: string): void {
  if (!what) throw new Error(otherwise)
}

async function traceSomething(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'postern-trace-'))
  const idle = execFile(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  try {
    const trace = await attach(idle.pid!, { calls: ['fsync'], to: join(dir, 'trace') })
    await trace.detach()
  } finally {
    idle.kill('SIGKILL')
    await rm(dir, { recursive: true, force: true })
  }
}
