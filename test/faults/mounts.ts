/** File systems for one test: an ext4 image that supports power cuts, and a small tmpfs. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
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
  /** Everything but the cut itself, so that it comes at the moment it is asked for. */
  preparePowerCut(): Promise<PowerCut>
  /** As after the machine came up again. Nothing may have a file open. */
  remount(): Promise<void>
  /** Unmounts, and removes image and folders. */
  remove(): Promise<void>
}

/**
 * From here on nothing more reaches the image: what was not written out is lost, the journal is not completed, and every
 * call that would have to write fails with EIO. Resolves when that is done.
 */
export type PowerCut = () => Promise<void>

export async function makeMount({ kind, size }: MountOptions): Promise<Mount> {
  const outside = await mkdtemp(join(tmpdir(), `postern-${kind}-`))
  const path = join(outside, 'mount')
  const image = join(outside, 'image')
  const mount = (): Promise<unknown> =>
    kind === 'ext4'
      ? tool('mount', '-o', 'loop', image, path)
      : tool('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path)
  try {
    await mkdir(path)
    if (kind === 'ext4') {
      await writeFile(image, '')
      await truncate(image, bytes(size))
      await tool('mkfs.ext4', '-q', '-F', '-m', '0', image)
    }
    await mount()
  } catch (cause) {
    await rm(outside, { recursive: true, force: true })
    throw cause
  }
  return {
    path,
    outside,
    preparePowerCut: () => preparePowerCut(path),
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

/** As ext4 does by itself after an error of the disk. */
export async function makeReadOnly({ path }: Mount): Promise<void> {
  await tool('mount', '-o', 'remount,abort', path)
}

async function preparePowerCut(path: string): Promise<PowerCut> {
  const xfsIo = spawn('stdbuf', ['-oL', 'xfs_io', '-x', path], { env, stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  for (const output of [xfsIo.stdout, xfsIo.stderr])
    output.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = new Promise<number | null>((resolve, reject) => xfsIo.once('error', reject).once('close', resolve))
  // Ready when it has answered a command; into a pipe it would answer at its end alone.
  xfsIo.stdin.write('help quit\n')
  while (!said.includes('quit')) {
    if (xfsIo.exitCode !== null) throw new Error(`xfs_io ended: ${said}`)
    await Promise.race([once(xfsIo.stdout, 'data'), ended])
  }
  return async () => {
    // Without -f the journal is not written out first.
    xfsIo.stdin.end('shutdown\nquit\n')
    await ended
    const isWritable = await writeFile(join(path, 'after-the-cut'), '').then(
      () => true,
      () => false,
    )
    if (isWritable) throw new Error(`the file system goes on: ${said}`)
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
