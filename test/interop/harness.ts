/** A gateway with two users of its objects endpoint, and other programs that run against it. */
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { startGateway } from '../fixtures/gateway.ts'
import { toolsPath } from './tools.ts'

export const keys = {
  alice: { accessKeyId: 'ALICEINTEROPINTEROP1', secretAccessKey: 'alice/interop+secret/0123456789abcdef012' },
  bob: { accessKeyId: 'BOBINTEROPINTEROPIN1', secretAccessKey: 'bob/interop+secret/0123456789abcdef01234' },
} as const
export type Who = keyof typeof keys
export const region = 'us-east-1'

export type Output = { stdout: string; stderr: string }
export type RunOptions = { input?: string; env?: Record<string, string>; cwd?: string; timeout?: number }

export type Harness = {
  url: string
  /** A folder of its own, removed at the end. */
  dir: string
  client(who?: Who): S3Client
  /** Makes a bucket for alice. */
  bucket(name: string): Promise<string>
  /** An object's bytes as the store has them, past every protocol. */
  stored(bucket: string, key: string): Promise<Buffer>
  /** Every key of a bucket as the store has them. */
  storedKeys(bucket: string): Promise<string[]>
  /** Alice's credentials as every tool finds them, and no settings of whoever runs this. Fails on a non-zero exit. */
  run(command: string, args: readonly string[], o?: RunOptions): Promise<Output>
  /** What a program in another language is told, as JSON on its standard input. */
  spec(more?: Record<string, unknown>): string
  close(): Promise<void>
}

export async function startHarness(): Promise<Harness> {
  const gateway = await startGateway({
    keys: [
      { ...keys.alice, owner: 'alice' },
      { ...keys.bob, owner: 'bob' },
    ],
  })
  const dir = await mkdtemp(join(tmpdir(), 'postern-interop-'))
  const home = join(dir, 'home')
  await mkdir(home)
  const url = gateway.objectsUrl
  const { driver } = gateway.gateway
  const clients: S3Client[] = []

  const client = (who: Who = 'alice'): S3Client => {
    // A copy: the SDK writes into what it is given.
    const credentials = { ...keys[who] }
    const made = new S3Client({ endpoint: url, region, forcePathStyle: true, credentials, maxAttempts: 1 })
    clients.push(made)
    return made
  }
  const owner = client()

  return {
    url,
    dir,
    client,
    async bucket(name) {
      await owner.send(new CreateBucketCommand({ Bucket: name }))
      return name
    },
    async stored(bucket, key) {
      const object = await driver.getObject({ bucket, key })
      const chunks: Buffer[] = []
      for await (const chunk of object.stream()) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks)
    },
    async storedKeys(bucket) {
      return (await driver.listObjects({ bucket })).objects.map(({ key }) => key)
    },
    run(command, args, o = {}) {
      return runTool(command, args, { ...o, env: { ...toolEnvironment(url, home), ...o.env } })
    },
    spec: (more = {}) => JSON.stringify({ endpoint: url, region, ...keys.alice, bob: keys.bob, ...more }),
    async close() {
      for (const made of clients) made.destroy()
      await gateway.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function toolEnvironment(url: string, home: string): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => /^(GO[A-Z]*|TMPDIR|TEMP|TMP|SystemRoot|LANG)$/.test(name))
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    PATH: toolsPath,
    HOME: home,
    LC_ALL: 'C.UTF-8',
    PYTHONUTF8: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    AWS_ACCESS_KEY_ID: keys.alice.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.alice.secretAccessKey,
    AWS_DEFAULT_REGION: region,
    AWS_REGION: region,
    AWS_ENDPOINT_URL: url,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
    NO_PROXY: '127.0.0.1',
  }
}

function runTool(command: string, args: readonly string[], o: RunOptions): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      command,
      args,
      {
        ...(o.env && { env: o.env }),
        ...(o.cwd !== undefined && { cwd: o.cwd }),
        timeout: o.timeout ?? 120_000,
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        if (error === null) resolve({ stdout, stderr })
        else reject(new Error(`${command} ${args.join(' ')}: ${error.message}\n${stdout}\n${stderr}`))
      },
    )
    child.stdin?.on('error', () => {})
    child.stdin?.end(o.input ?? '')
  })
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Files whose names need care in a URL, and one that is sent in parts. Returns each by its name. */
export async function makeFiles(dir: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>([
    ['empty.bin', Buffer.alloc(0)],
    ['plain.txt', Buffer.from('plain\n')],
    ['a b+c%20d.txt', Buffer.from('spaces, pluses and percent signs\n')],
    ["it's (1) & more!.txt", Buffer.from('quotes and brackets\n')],
    ['sub/ünï/日本語.txt', Buffer.from('other scripts\n')],
    ['large.bin', randomBytes(17 * 1024 * 1024 + 13)],
  ])
  for (const [name, bytes] of files) {
    const path = join(dir, ...name.split('/'))
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, bytes)
  }
  return files
}
