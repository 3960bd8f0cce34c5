/** A file system on a disk whose write cache loses and tears unflushed data when the power fails. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { SeededRandom } from '../seeded-random.ts'
import type { Mount } from '../mounts.ts'
import type { CacheLoss, LossMode } from './disk-image.ts'
import type { PowerFailure } from './fuse-server.ts'

export type FileSystem = 'ext4' | 'xfs' | 'btrfs'
export const fileSystems: readonly FileSystem[] = ['ext4', 'xfs', 'btrfs']

export type CachedMount = Mount & {
  /** What the power failures so far did to the cache. */
  cacheLosses: CacheLoss[]
}

const run = promisify(execFile)
const env = { ...process.env, PATH: [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter) }
const tool = async (command: string, ...args: string[]): Promise<string> =>
  (await run(command, args, { env, timeout: 60_000 })).stdout.trim()

/**
 * The largest sector that the file system needs. XFS and btrfs rely on 4 KiB: with blocks torn at 512 bytes XFS cannot
 * always be mounted again, since its recovery trusts the first sector of a block.
 */
const make: Record<FileSystem, { command: readonly string[]; sectorSize: number }> = {
  ext4: { command: ['mkfs.ext4', '-q', '-F', '-m', '0'], sectorSize: 512 },
  xfs: { command: ['mkfs.xfs', '-q', '-f', '-s', 'size=4096'], sectorSize: 4096 },
  btrfs: { command: ['mkfs.btrfs', '-q', '-f'], sectorSize: 4096 },
}

/** How often each is drawn, relative to the others. */
const mix: readonly LossMode[] = [
  ...Array.from({ length: 4 }, (): LossMode => 'sectors'),
  ...Array.from({ length: 2 }, (): LossMode => 'writes'),
  ...Array.from({ length: 2 }, (): LossMode => 'oldest'),
  'newest',
  'everything',
  'nothing',
]

/** Whether the kernel has the file system; it may have to load it first. */
export async function hasFileSystem(kind: FileSystem): Promise<boolean> {
  await tool('modprobe', kind).catch(() => {})
  return (await readFile('/proc/filesystems', 'utf8')).split('\n').some((line) => line.endsWith(`\t${kind}`))
}

/** `size` in bytes; only what is written takes memory. */
export async function makeCachedMount(o: {
  kind: FileSystem
  random: SeededRandom
  size?: number
}): Promise<CachedMount> {
  const outside = await mkdtemp(join(tmpdir(), `postern-cached-${o.kind}-`))
  const [path, disks, base] = [join(outside, 'mount'), join(outside, 'disks'), join(outside, 'base')]
  const { command, sectorSize } = make[o.kind]
  const cacheLosses: CacheLoss[] = []
  let server: Awaited<ReturnType<typeof startServer>> | null = null
  let attached: { name: string; device: string } | null = null
  let made = 0

  /** Null where it did not come: nothing was flushed for half a second. */
  async function cut(failure: PowerFailure): Promise<CacheLoss | null> {
    await writeFile(join(disks, 'control'), JSON.stringify(failure))
    for (const giveUpAt = performance.now() + 500; performance.now() < giveUpAt; await sleep(5)) {
      const text = await readFile(join(disks, 'control'), 'utf8')
      if (text !== '') return JSON.parse(text) as CacheLoss
    }
    return null
  }

  async function attach(name: string): Promise<void> {
    const device = await tool('losetup', '--show', '-b', String(sectorSize), '-f', join(disks, name))
    attached = { name, device }
    await tool('mount', '-t', o.kind, device, path)
  }

  async function detach(): Promise<void> {
    if (attached === null) return
    const { name, device } = attached
    await tool('umount', path).catch(async (error: Error) => {
      if (!error.message.includes('not mounted')) throw error
    })
    // btrfs knows its devices by an id that the next disk has too.
    if (o.kind === 'btrfs') await tool('btrfs', 'device', 'scan', '--forget', device).catch(() => {})
    await tool('losetup', '-d', device)
    attached = null
    await unlink(join(disks, name))
  }

  async function remove(): Promise<void> {
    await detach()
    await server?.stop()
    await rm(outside, { recursive: true, force: true })
  }

  try {
    await mkdir(path)
    await mkdir(disks)
    await writeFile(base, '')
    await truncate(base, o.size ?? 2 ** 31)
    const [program, ...args] = command
    await tool(program!, ...args, base)
    server = await startServer(disks, base, sectorSize)
    await attach('disk-0')
  } catch (cause) {
    await remove()
    throw cause
  }
  return {
    path,
    outside,
    cacheLosses,
    remove,
    async preparePowerCut() {
      const failure: PowerFailure = {
        of: `disk-${made}`,
        to: `disk-${++made}`,
        seed: o.random.int(0, 2 ** 31),
        mode: o.random.pick(mix),
        // Most of the time a cache is empty: the moment before a flush is the worst one.
        atFlush: o.random.pick([0, 1, 1, 2, 3, 5]),
      }
      return async () => {
        cacheLosses.push((await cut(failure)) ?? (await cut({ ...failure, atFlush: 0 }))!)
      }
    },
    async remount() {
      await detach()
      await attach(`disk-${made}`)
    },
  }
}

async function startServer(folder: string, base: string, sectorSize: number): Promise<{ stop(): Promise<void> }> {
  const script = join(import.meta.dirname, 'fuse-server.ts')
  const child = spawn(process.execPath, [script, folder, base, String(sectorSize)], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = once(child, 'close')
  while (child.exitCode === null) {
    const isThere = await access(join(folder, 'disk-0')).then(
      () => true,
      () => false,
    )
    if (isThere) {
      return {
        async stop() {
          await tool('umount', folder)
          await ended
        },
      }
    }
    await sleep(20)
  }
  throw new Error(`FUSE does not work here: ${said}`)
}
