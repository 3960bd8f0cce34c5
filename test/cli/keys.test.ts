import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeBench, type Bench, type Finished } from './run-postern.ts'
import { limit } from '../fixtures/time-limit.ts'

let bench: Bench
beforeEach(async () => {
  bench = makeBench()
  await bench.makeStore()
})
afterEach(() => bench.remove())

type Key = {
  accessKeyId: string
  secretAccessKey?: string
  owner: string
  source: string
  where: string
  createdAt: string | null
  validUntil: string | null
  replaces?: { accessKeyId: string; validUntil: string }
}
const keys = (...args: string[]): Promise<Finished> => bench.run(['keys', ...args])
async function json<T = Key>(...args: string[]): Promise<T> {
  const { exitCode, stdout, stderr } = await keys(...args, '--json')
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.any(String) })
  return JSON.parse(stdout) as T
}
const file = (name: string): string => readFileSync(join(bench.path, 'storage', name), 'utf8')
const inSeconds = (iso: string | null | undefined): number => (Date.parse(iso ?? '') - Date.now()) / 1000

const anyPort = ['server.listen=127.0.0.1:0', 'objects.listen=127.0.0.1:0', 'storage.disk.minFree=1MiB']
const local = `keys:
  - accessKeyId: backup
    secretAccessKey: kqX1mB7zD0pWcR5tVn2y
    owner: carol
  - { accessKeyId: sync, secretAccessKey: kqX1mB7zD0pWcR5tVn2z, owner: dave }
`

it('creates, rotates and revokes keys of a running server', async () => {
  const server = bench.start(['serve', '--json', ...anyPort.flatMap((setting) => ['--set', setting])])
  const [ready] = await server.until(/^\{"api".*\}$/m)
  const { objects } = JSON.parse(ready) as { objects: string }
  const run = async (
    { accessKeyId, secretAccessKey = '' }: Key,
    send: (client: S3Client) => Promise<unknown>,
  ): Promise<string> => {
    const credentials = { accessKeyId, secretAccessKey }
    const client = new S3Client({
      endpoint: objects,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials,
      maxAttempts: 1,
    })
    return send(client).then(
      () => 'ok',
      (error: Error) => error.name,
    )
  }
  const list = (key: Key): Promise<string> =>
    run(key, (client) => client.send(new ListObjectsV2Command({ Bucket: 'alice-1' })))

  const first = await json('create', '--owner', 'alice')
  expect(await run(first, (client) => client.send(new CreateBucketCommand({ Bucket: 'alice-1' })))).toBe('ok')
  expect(await list(await json('create', '--owner', 'bob'))).toBe('AccessDenied')

  const second = await json('rotate', first.accessKeyId)
  expect(second).toMatchObject({ owner: 'alice', validUntil: null, replaces: { accessKeyId: first.accessKeyId } })
  expect(inSeconds(second.replaces?.validUntil)).toBeCloseTo(24 * 3600, -2)
  expect([await list(first), await list(second)]).toEqual(['ok', 'ok'])

  expect(await json('revoke', first.accessKeyId)).toMatchObject({ accessKeyId: first.accessKeyId })
  await vi.waitFor(async () => expect(await list(first)).toBe('InvalidAccessKeyId'), { timeout: limit(4000) })
  expect(await list(second)).toBe('ok')
  expect(file('keys.json')).not.toContain(first.secretAccessKey)

  const presign = async (): Promise<string> =>
    (await bench.run(['presign', 'get', 'uploads/none', '--set', `objects.publicUrl=${objects}`])).stdout.trim()
  const before = await presign()
  const { accessKeyId } = await json('rotate', '--gateway')
  const after = await presign()
  expect([before.includes(accessKeyId), after.includes(accessKeyId)]).toEqual([false, true])
  const answers = await Promise.all([before, after].map(async (url) => (await fetch(url)).text()))
  for (const answer of answers) expect(answer).toContain('<Code>NoSuchKey</Code>')
  const { stdout, stderr } = server.output()
  expect(stdout + stderr).not.toContain(second.secretAccessKey)
}, 60_000)

describe('create', () => {
  it('prints the secret once, as variables to export', async () => {
    const { exitCode, stdout, stderr } = await keys('create', '--owner', 'alice', '--access-key-id', 'alice-laptop')
    expect(exitCode).toBe(0)
    const [, secret] = /^AWS_ACCESS_KEY_ID=alice-laptop\nAWS_SECRET_ACCESS_KEY=([\w-]{40})\n$/.exec(stdout) ?? []
    expect(JSON.parse(file('keys.json'))).toMatchObject({ keys: [{ secretAccessKey: secret }] })
    expect(stderr).toContain('The secret is not shown again.')
    const mode = statSync(join(bench.path, 'storage', 'keys.json')).mode & 0o777
    expect(process.platform === 'win32' ? 0o600 : mode).toBe(0o600)
    const listed = [await keys('list'), await keys('list', '--json')]
    for (const { stdout: text } of listed) {
      expect(text).toContain('alice-laptop')
      expect(text).not.toContain(secret)
    }
  })

  it.each([
    [['--owner', 'postern'], 2, 'Choose another owner'],
    [['--owner', ''], 2, 'argument'],
    [['--owner', 'a\tb'], 2, 'control character'],
    [['--owner', 'a', '--access-key-id', 'a b'], 2, '3 to 128 letters'],
    [['--owner', 'a', '--access-key-id', 'AKIAIOSFODNN7EXAMPLE'], 2, 'example id of the AWS documentation'],
    [['--owner', 'a', '--access-key-id', 'backup'], 1, 'The access key backup already exists'],
  ])('%j is refused', async (args, exitCode, said) => {
    bench.write('config/local.yaml', local)
    const result = await keys('create', ...args)
    expect(result).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(said) })
    expect(existsSync(join(bench.path, 'storage', 'keys.json'))).toBe(false)
  })

  it('says if a key cannot be used', async () => {
    const { exitCode, stderr } = await keys('create', '--owner', 'alice', '--driver', 's3')
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: expect.stringContaining('has no objects endpoint'),
    })
  })
})

describe('list', () => {
  it('shows the source of each key, and its expiry', async () => {
    bench.write('config/local.yaml', local)
    const made = await json('create', '--owner', 'alice')
    await json('rotate', '--gateway', '--overlap', '2h')
    await json('revoke', made.accessKeyId, '--in', '1h')
    const listed = await json<Key[]>('list')
    expect(listed.map(({ owner, source }) => `${owner} ${source}`)).toEqual([
      'postern gateway',
      'postern gateway',
      'carol config',
      'dave config',
      'alice keys.json',
    ])
    const [signing, previous, carol, dave, alice] = listed
    expect(signing).toMatchObject({ where: join('storage', 'secrets.json'), validUntil: null })
    expect(inSeconds(previous?.validUntil)).toBeCloseTo(7200, -2)
    expect(carol).toMatchObject({
      accessKeyId: 'backup',
      where: 'config/local.yaml:2',
      createdAt: null,
      validUntil: null,
    })
    expect(dave?.where).toBe('config/local.yaml:5')
    expect(alice).toMatchObject({ accessKeyId: made.accessKeyId, createdAt: made.createdAt })
    expect(inSeconds(alice?.validUntil)).toBeCloseTo(3600, -2)
    expect(JSON.stringify(listed)).not.toContain('secretAccessKey')

    const table = (await keys('list')).stdout.trim().split('\n')
    expect(table).toHaveLength(6)
    expect(table[0]).toMatch(/^ACCESS KEY ID +OWNER +STORED +CREATED +VALID UNTIL +FROM$/)
    expect(table[3]).toMatch(/^backup +carol +0 bytes in 0 objects +- +- +config \(config.local\.yaml:2\)$/)
    await json('revoke', made.accessKeyId)
    expect((await keys('list')).stdout).not.toContain(made.accessKeyId)
  })

  it('shows what each owner stores, next to a running server', async () => {
    bench.write('config/local.yaml', `${local}quotas: { ownerBytes: 2KiB, userFiles: 7 }\n`)
    const server = bench.start(['serve', '--json', ...anyPort.flatMap((setting) => ['--set', setting])])
    const { objects } = JSON.parse((await server.until(/^\{"api".*\}$/m))[0]) as { objects: string }
    const credentials = { accessKeyId: 'backup', secretAccessKey: 'kqX1mB7zD0pWcR5tVn2y' }
    const client = new S3Client({ endpoint: objects, region: 'us-east-1', forcePathStyle: true, credentials })
    await client.send(new CreateBucketCommand({ Bucket: 'carol-1' }))
    await client.send(new PutObjectCommand({ Bucket: 'carol-1', Key: 'k', Body: Buffer.alloc(1536) }))
    await client.send(new CreateMultipartUploadCommand({ Bucket: 'carol-1', Key: 'm' }))
    client.destroy()
    const table = (await keys('list')).stdout
    expect(table).toMatch(/^backup +carol +1\.5 KiB of 2\.0 KiB in 2 of 7 objects /m)
    expect(table).toMatch(/^sync +dave +0 bytes of 2\.0 KiB in 0 of 7 objects /m)
    const [gateway, carol] = await json<object[]>('list')
    expect(gateway).toMatchObject({ usage: null, limits: null })
    expect(carol).toMatchObject({
      usage: { buckets: 1, objects: 1, bytes: 1536, uploads: 1, partBytes: 0 },
      limits: { bytes: 2048, objects: 7 },
    })
  }, 60_000)

  it('reports a key that is not used because the configuration has its id', async () => {
    await keys('create', '--owner', 'alice', '--access-key-id', 'backup')
    bench.write('config/local.yaml', local)
    expect((await keys('list')).stderr).toContain('The key backup in keys.json is not used')
  })
})

describe('keys that the command cannot change', () => {
  it('are reported with their file and line, or variable', async () => {
    bench.write('config/local.yaml', local)
    const revoked = await keys('revoke', 'sync')
    expect(revoked).toMatchObject({ exitCode: 2, stdout: '' })
    expect(revoked.stderr).toContain('The key sync is set in the configuration (config/local.yaml:5)')
    const rotated = await keys('rotate', 'backup')
    expect(rotated).toMatchObject({ exitCode: 2, stdout: '' })
    expect(rotated.stderr).toMatch(/config.local\.yaml:2.*postern keys create --owner "carol"/)
    const POSTERN_KEYS = JSON.stringify([{ accessKeyId: 'var', secretAccessKey: 'kqX1mB7zD0pWcR5tVn2y', owner: 'eve' }])
    const byVariable = await bench.run(['keys', 'revoke', 'var'], { env: { POSTERN_KEYS } })
    expect(byVariable).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('(variable POSTERN_KEYS)') })
  })

  it('include unknown keys', async () => {
    const answers = [await keys('revoke', 'nobody'), await keys('rotate', 'nobody')]
    for (const answer of answers) {
      expect(answer).toMatchObject({
        exitCode: 1,
        stdout: '',
        stderr: expect.stringContaining('There is no access key nobody'),
      })
    }
  })

  it('include keys in a damaged file', async () => {
    bench.write('storage/keys.json', '{')
    const { exitCode, stdout, stderr } = await keys('list')
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toMatch(/keys\.json:1: (is damaged|can be read)/)
  })
})

describe("the gateway's own key", () => {
  it('is replaced by rotate --gateway, without printing its secret', async () => {
    const [before] = await json<Key[]>('list')
    const { exitCode, stdout, stderr } = await keys('rotate', '--gateway')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^POSTERN[A-Z2-7]{13}\n$/)
    expect(stderr).toContain(`The key ${before!.accessKeyId} expires at `)
    const { signing, previousSigning } = JSON.parse(file('secrets.json')) as {
      signing: Key
      previousSigning: Key[]
    }
    expect(signing.accessKeyId).toBe(stdout.trim())
    expect(previousSigning[0]).toMatchObject({ accessKeyId: before!.accessKeyId })
    expect(inSeconds(previousSigning[0]?.validUntil)).toBeCloseTo(7 * 86_400, -2)
    expect(stdout + stderr).not.toContain(signing.secretAccessKey)

    for (const args of [
      ['revoke', signing.accessKeyId],
      ['rotate', signing.accessKeyId],
    ]) {
      expect(await keys(...args)).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('postern keys rotate --gateway'),
      })
    }
    expect((await keys('rotate', before!.accessKeyId)).stderr).toContain('was already replaced')
    expect((await keys('revoke', before!.accessKeyId)).stdout).toContain(`The key ${before!.accessKeyId} has expired.`)
    expect((await json<Key[]>('list')).map(({ accessKeyId }) => accessKeyId)).toEqual([signing.accessKeyId])
  })

  it('with a short overlap, warns that URLs expire', async () => {
    expect((await keys('rotate', '--gateway', '--overlap', '0')).stderr).toContain('URLs issued for longer')
  })

  it.each([
    [['rotate'], 'Name one access key'],
    [['rotate', 'x', '--gateway'], 'Name one access key'],
    [['rotate', '--gateway', '--overlap', 'soon'], 'Write a duration'],
    [['revoke'], 'missing required argument'],
  ])('%j is a mistake', async (args, said) => {
    expect(await keys(...args)).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(said) })
  })
})
