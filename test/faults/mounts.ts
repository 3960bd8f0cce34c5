/** File systems of a test's own: an ext4 image whose power can be cut, a tmpfs that is soon full. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** mkfs and xfs_io are not on everybody's PATH. */
const env = { ...process.env, PATH: [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter) }
const tool = (command: string, ...args: string[]): Promise<unknown> => run(command, args, { env, timeout: 60_000 })

export type MountOptions = { kind: 'ext4' | 'tmpfs'; size: string }

export type Mount = {
  path: string
  /** A folder beside the mount, which no fault here touches. */
  outside: string
  /**
   * From here on nothing more reaches the image: what was not written out is lost, the journal is not completed, and
   * every call that would have to write fails with EIO.
   */
  cutPower(): Promise<void>
  /** As after the machine came up again. Nothing may have a file open. */
  remount(): Promise<void>
  /** Unmounts, and removes image and folders. */
  remove(): Promise<void>
}

export async function makeMount({ kind, size }: MountOptions): Promise<Mount> {
  const outside = await mkdtemp(join(tmpdir(), `postern-${kind}-`))
  const path = join(outside, 'mount')
  const image = join(outside, 'image')
  await mkdir(path)
  if (kind === 'ext4') {
    await writeFile(image, '')
    await truncate(image, bytes(size))
    await tool('mkfs.ext4', '-q', '-F', '-m', '0', image)
  }
  const mount = (): Promise<unknown> =>
    kind === 'ext4'
      ? tool('mount', '-o', 'loop', image, path)
      : tool('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path)
  await mount()
  return {
    path,
    outside,
    // Without -f the journal is not written out first.
    cutPower: async () => void (await tool('xfs_io', '-x', '-c', 'shutdown', path)),
    async remount() {
      await tool('umount', path)
      await mount()
    },
    async remove() {
      await tool('umount', path)
      await rm(outside, { recursive: true, force: true })
    },
  }
}

export async function onMount<T>(o: MountOptions, use: (mount: Mount) => Promise<T>): Promise<T> {
  const mount = await makeMount(o)
  try {
    return await use(mount)
  } finally {
    await mount.remove()
  }
}

function bytes(size: string): number {
  const [, digits, unit] = /^(\d+)([MG])$/.exec(size) ?? []
  return Number(digits) * (unit === 'G' ? 1 << 30 : 1 << 20)
}
