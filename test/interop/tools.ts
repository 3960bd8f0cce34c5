/** The programs that the interop suites run, on PATH or in the folder that `install.sh` fills. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const windows = process.platform === 'win32'

export const toolsDir = process.env['POSTERN_INTEROP_TOOLS'] ?? join(homedir(), '.cache', 'postern-interop')
const venvBin = join(toolsDir, 'python', windows ? 'Scripts' : 'bin')
/** s3fs needs another botocore than the other suites. */
export const frameworksPython = join(toolsDir, 'python-frameworks', windows ? 'Scripts' : 'bin', 'python')

/** Where Go's own installer puts it, which is on no PATH by itself. */
const goBin = '/usr/local/go/bin'

/** The PATH under which every tool runs: ours first, so that the pinned versions win. */
export const toolsPath = [venvBin, process.env['PATH'] ?? '', goBin].join(delimiter)

type Tool = { probe: readonly string[]; needs: string }

/** Each by a command that succeeds where the tool can be used. */
const tools = {
  python: { probe: ['python', '-c', 'import boto3, minio'], needs: 'Python with boto3 and minio' },
  stores: {
    probe: ['python', '-c', 'import obstore, pyarrow, smart_open'],
    needs: 'Python with obstore, pyarrow and smart_open',
  },
  frameworks: {
    probe: [frameworksPython, '-c', 'import s3fs, storages, cloudpathlib'],
    needs: 'Python with s3fs, django-storages and cloudpathlib',
  },
  aws: { probe: ['aws', '--version'], needs: 'the aws command line' },
  go: {
    probe: ['go', '-C', join(import.meta.dirname, 'go'), 'list', '-m'],
    needs: 'a Go toolchain that its go.mod accepts',
  },
  rclone: { probe: ['rclone', 'version'], needs: 'rclone' },
  ruby: { probe: ['ruby', '-e', 'require "aws-sdk-s3"'], needs: 'Ruby with aws-sdk-s3' },
  s3cmd: { probe: ['s3cmd', '--version'], needs: 's3cmd' },
  restic: { probe: ['restic', 'version'], needs: 'restic' },
  s3fs: { probe: ['s3fs', '--version'], needs: 's3fs' },
} as const satisfies Record<string, Tool>

export type ToolName = keyof typeof tools

/** What each suite cannot do without; a suite that is not named needs nothing but this checkout. */
const suiteTools: Record<string, readonly ToolName[]> = {
  'aws-cli': ['aws'],
  boto3: ['python'],
  conformance: ['python'],
  go: ['go'],
  'presign-go': ['go'],
  'presign-python': ['python'],
  'python-frameworks': ['frameworks'],
  'python-stores': ['python', 'stores'],
  rclone: ['rclone'],
  restic: ['restic'],
  ruby: ['ruby'],
  s3cmd: ['s3cmd'],
  s3fs: ['s3fs'],
}

/** Suites that cannot run on this machine, each with the reason. */
export async function missingSuites(): Promise<{ suite: string; reason: string }[]> {
  const present = new Map<ToolName, boolean>()
  for (const name of Object.keys(tools) as ToolName[]) present.set(name, await works(tools[name].probe))
  const missing = Object.entries(suiteTools).flatMap(([suite, names]) =>
    names
      .filter((name) => present.get(name) === false)
      .map((name) => ({ suite, reason: `${tools[name].needs} was not found` })),
  )
  if (present.get('s3fs') === true && !existsSync('/dev/fuse')) {
    missing.push({ suite: 's3fs', reason: 'this machine has no /dev/fuse to mount with' })
  }
  return missing
}

async function works([command = '', ...args]: readonly string[]): Promise<boolean> {
  try {
    await run(command, args, { env: { ...process.env, PATH: toolsPath }, timeout: 60_000 })
    return true
  } catch {
    return false
  }
}
