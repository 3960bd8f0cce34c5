import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestsOf } from './folders.ts'
import { makeFiles, sha256, startHarness, type Harness } from './harness.ts'

let harness: Harness
let files: Map<string, Buffer>
let source: string
beforeAll(async () => {
  harness = await startHarness()
  source = join(harness.dir, 'files')
  files = await makeFiles(source)
})
afterAll(() => harness.close())

// With the checksums that newer ones send by themselves, and without, as older ones do.
describe.each(['when_supported', 'when_required'])('aws s3, checksums %s', (checksums) => {
  const bucket = `aws-cli-${checksums.replace('_', '-')}`
  const aws = async (...args: string[]): Promise<string> => {
    const env = { AWS_REQUEST_CHECKSUM_CALCULATION: checksums, AWS_RESPONSE_CHECKSUM_VALIDATION: checksums }
    return (await harness.run('aws', args, { env })).stdout
  }

  test('creates a bucket and lists it', async () => {
    await aws('s3', 'mb', `s3://${bucket}`)
    expect(await aws('s3', 'ls')).toContain(bucket)
  })

  test('uploads and downloads files, also in parts', async () => {
    await aws('s3', 'cp', '--recursive', '--quiet', source, `s3://${bucket}/copied/`)
    for (const [name, bytes] of files)
      expect(sha256(await harness.stored(bucket, `copied/${name}`))).toBe(sha256(bytes))
    const down = join(harness.dir, bucket)
    await aws('s3', 'cp', '--recursive', '--quiet', `s3://${bucket}/copied/`, down)
    expect(await digestsOf(down)).toEqual(await digestsOf(source))
  })

  test('syncs only changed files', async () => {
    const changing = join(harness.dir, `${bucket}-changing`)
    await mkdir(join(changing, 'sub dir'), { recursive: true })
    await writeFile(join(changing, 'one'), '1')
    await writeFile(join(changing, 'sub dir', 'two'), '2')
    const target = `s3://${bucket}/synced`
    expect((await aws('s3', 'sync', '--no-progress', changing, target)).trim().split('\n')).toHaveLength(2)
    expect(await aws('s3', 'sync', '--no-progress', changing, target)).toBe('')
    await writeFile(join(changing, 'one'), 'one more')
    expect(await aws('s3', 'sync', '--no-progress', changing, target)).toMatch(/^upload: .*one/)
    const back = join(harness.dir, `${bucket}-back`)
    await aws('s3', 'sync', '--quiet', target, back)
    expect(await digestsOf(back)).toEqual(await digestsOf(changing))
    expect(await aws('s3', 'ls', '--recursive', `${target}/`)).toMatch(/8 synced\/one\n.*1 synced\/sub dir\/two\n$/)
  })

  test('streams through standard input and output, moves and deletes', async () => {
    await harness.run('aws', ['s3', 'cp', '-', `s3://${bucket}/streamed`], { input: 'from a pipe' })
    expect(await aws('s3', 'cp', `s3://${bucket}/streamed`, '-')).toBe('from a pipe')
    await aws('s3', 'mv', '--quiet', `s3://${bucket}/copied/large.bin`, `s3://${bucket}/moved/large +.bin`)
    expect(sha256(await harness.stored(bucket, 'moved/large +.bin'))).toBe(sha256(files.get('large.bin')!))
    expect(await harness.storedKeys(bucket)).not.toContain('copied/large.bin')
    await aws('s3', 'rb', '--force', `s3://${bucket}`)
    expect(await aws('s3', 'ls')).not.toContain(bucket)
  })
})

describe('aws s3api', () => {
  const bucket = 'aws-s3api'
  const api = async (operation: string, ...args: string[]): Promise<Record<string, unknown>> => {
    const { stdout } = await harness.run('aws', ['s3api', operation, '--bucket', bucket, '--output', 'json', ...args])
    return (stdout === '' ? {} : JSON.parse(stdout)) as Record<string, unknown>
  }

  test('puts, describes, tags and reads an object', async () => {
    const body = join(source, 'plain.txt')
    await api('create-bucket')
    await api('put-object', '--key', 'k', '--body', body, '--metadata', 'a=b', '--checksum-algorithm', 'SHA256')
    const digest = Buffer.from(sha256(files.get('plain.txt')!), 'hex').toString('base64')
    const head = await api('head-object', '--key', 'k', '--checksum-mode', 'ENABLED')
    expect(head).toMatchObject({ ContentLength: 6, Metadata: { a: 'b' }, ChecksumSHA256: digest })
    await api('put-object-tagging', '--key', 'k', '--tagging', 'TagSet=[{Key=x,Value=y z}]')
    expect(await api('get-object-tagging', '--key', 'k')).toEqual({ TagSet: [{ Key: 'x', Value: 'y z' }] })
    const attributes = ['--object-attributes', 'ETag', 'Checksum', 'ObjectSize', 'StorageClass']
    expect(await api('get-object-attributes', '--key', 'k', ...attributes)).toMatchObject({
      ObjectSize: 6,
      StorageClass: 'STANDARD',
      Checksum: { ChecksumSHA256: digest },
    })
    const out = join(harness.dir, 'out')
    await api('get-object', '--key', 'k', '--range', 'bytes=1-3', out)
    expect(await readFile(out, 'utf8')).toBe('lai')
  })

  test('presigns a URL that works', async () => {
    const presign = ['s3', 'presign', `s3://${bucket}/k`, '--expires-in', '60']
    // In us-east-1 its URLs are of signature version 2 unless it is told otherwise.
    const byDefault = (await harness.run('aws', presign)).stdout.trim()
    expect(byDefault).toContain('AWSAccessKeyId=')
    expect(await (await fetch(byDefault)).text()).toBe('plain\n')
    const AWS_CONFIG_FILE = join(harness.dir, 'config')
    await writeFile(AWS_CONFIG_FILE, '[default]\ns3 =\n  signature_version = s3v4\n')
    const { stdout } = await harness.run('aws', presign, { env: { AWS_CONFIG_FILE } })
    expect(await (await fetch(stdout.trim())).text()).toBe('plain\n')
  })

  test('lists versions, uploads and the location', async () => {
    expect(await api('list-object-versions')).toMatchObject({ Versions: [{ Key: 'k', VersionId: 'null' }] })
    expect((await api('get-bucket-location'))['LocationConstraint']).toBeNull()
    const { UploadId } = await api('create-multipart-upload', '--key', 'parts')
    expect(await api('list-multipart-uploads')).toMatchObject({ Uploads: [{ Key: 'parts', UploadId }] })
    await api('abort-multipart-upload', '--key', 'parts', '--upload-id', String(UploadId))
    expect(await api('list-multipart-uploads')).not.toHaveProperty('Uploads')
  })

  test('reads that a bucket has no lifecycle rules, and turns its versioning on', async () => {
    await expect(api('get-bucket-lifecycle-configuration')).rejects.toThrow(/NoSuchLifecycleConfiguration/)
    await api('put-bucket-versioning', '--versioning-configuration', 'Status=Enabled')
    expect(await api('get-bucket-versioning')).toMatchObject({ Status: 'Enabled' })
  })
})
