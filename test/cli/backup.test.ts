/** Security case 119: a backup of a server under write load, restored to an empty folder. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { as, download, sha256, store, upload, type Caller } from '../api/caller.ts'
import { begin, complete, letters, minPart, sendParts, type Begun } from '../api/multipart-caller.ts'
import { startGateway, testSecrets, type RunningGateway } from '../fixtures/gateway.ts'
import { makeBench, type Bench, type Finished } from './run-postern.ts'
import { limit } from '../fixtures/time-limit.ts'

let bench: Bench
let source: RunningGateway
let alice: Caller
const folders: string[] = []
beforeAll(async () => {
  bench = makeBench()
  source = await startGateway()
  alice = await as(source, 'alice')
})
afterAll(async () => {
  await source.close()
  await bench.remove()
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

const settings = (dir: string): string[] => [
  '--storage',
  join(dir, 'storage'),
  '--set',
  `database.url=sqlite:${join(dir, 'catalog.sqlite')}`,
]
const run = (dir: string, ...args: string[]): Promise<Finished> => bench.run([...args, ...settings(dir), '--json'])

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-restored-'))
  folders.push(folder)
  return folder
}

const text = (size: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    Buffer.from(
      randomBytes(Math.ceil(size / 2))
        .toString('hex')
        .slice(0, size),
    ),
  )

/** By id, the hash of what was stored. */
const stored = new Map<string, string>()
async function storeOne(size: number): Promise<void> {
  const bytes = text(size)
  stored.set((await store(alice, bytes)).id, sha256(bytes))
}

async function allFiles(user: Caller): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const { json } = await user.get(`/files?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)
    ids.push(...json.files.filter(({ status }) => status === 'confirmed').map(({ id }) => id))
    cursor = json.nextCursor
  }
  return ids
}

const s3 = (endpoint: string, credentials: { accessKeyId: string; secretAccessKey: string }): S3Client =>
  new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials, maxAttempts: 1 })

it('restores everything that existed at its start, during uploads and deletions', async () => {
  writeFileSync(join(source.dir, 'storage', 'secrets.json'), JSON.stringify(testSecrets), { mode: 0o600 })
  for (const size of [1, 70_000, 300_000, 2_000_000]) await storeOne(size)
  const joined: Begun = await begin(alice, { size: minPart + 10 })
  await sendParts(alice, joined.id, [letters('a', minPart), letters('b', 10)])
  expect((await complete(alice, joined.id)).status).toBeLessThan(300)
  const open = await begin(alice, { size: minPart + 3 })
  await sendParts(alice, open.id, [letters('c', minPart)])
  const publicFile = await store(alice, 'for everybody', { visibility: 'public' })
  const pending = await upload(alice, 'not confirmed yet')
  const created = await run(source.dir, 'keys', 'create', '--owner', 'carol')
  const key = JSON.parse(created.stdout) as { accessKeyId: string; secretAccessKey: string }
  const carol = s3(source.objectsUrl, key)
  await carol.send(new CreateBucketCommand({ Bucket: 'carol-1' }))
  await carol.send(new PutObjectCommand({ Bucket: 'carol-1', Key: 'mine', Body: 'by key' }))
  const before = [...stored.keys()]

  const busy = { on: true }
  const deleted = new Set<string>()
  const writers = [0, 1].map(async (lane) => {
    while (busy.on) {
      await storeOne(50_000 + lane)
      const victim = [...stored.keys()].find((id) => !before.includes(id) && !deleted.has(id))!
      if (stored.size % 3 === 0) deleted.add(victim)
      if (deleted.has(victim)) await alice.delete(`/files/${victim}`)
    }
  })
  const file = join(bench.path, 'full.tar')
  const made = await run(source.dir, 'backup', file)
  busy.on = false
  await Promise.all(writers)
  expect({ exitCode: made.exitCode, json: JSON.parse(made.stdout) as object }).toEqual({
    exitCode: 0,
    json: expect.objectContaining({ ok: true, file, earlierBlobs: 0, damaged: [] }),
  })
  expect(process.platform === 'win32' ? 0o600 : statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(join(source.dir, 'storage', 'holds'))).toEqual([])
  expect(readdirSync(bench.path).filter((name) => name.startsWith('.'))).toEqual([])

  const dir = emptyFolder()
  const restored = await run(dir, 'restore', file)
  expect(restored).toMatchObject({ exitCode: 0 })
  const verified = await run(dir, 'verify', '--deep')
  expect({
    exitCode: verified.exitCode,
    problems: (JSON.parse(verified.stdout) as { problems: object[] }).problems,
  }).toEqual({
    exitCode: 0,
    problems: [],
  })
  const again = await startGateway({}, { dir })
  try {
    const user = await as(again, 'alice')
    const ids = await allFiles(user)
    for (const id of before) expect(ids).toContain(id)
    for (const id of ids.filter((each) => stored.has(each))) {
      const bytes = new Uint8Array(await (await download(user, id)).arrayBuffer())
      expect(sha256(bytes)).toBe(stored.get(id))
    }
    expect(await (await download(user, joined.id)).text()).toBe('a'.repeat(minPart) + 'b'.repeat(10))
    expect(await (await fetch(`${again.objectsUrl}${new URL(publicFile.publicUrl!).pathname}`)).text()).toBe(
      'for everybody',
    )
    expect((await user.post('/files/confirm', { id: pending.id })).status).toBe(201)
    await sendParts(user, open.id, [letters('d', 3)], 2)
    expect((await complete(user, open.id)).status).toBeLessThan(300)
    expect(await (await download(user, open.id)).text()).toBe('c'.repeat(minPart) + 'ddd')
    const mine = await s3(again.objectsUrl, key).send(new GetObjectCommand({ Bucket: 'carol-1', Key: 'mine' }))
    expect(await mine.Body?.transformToString()).toBe('by key')
  } finally {
    await again.close()
  }
}, 60_000)

it('leaves out blobs of an earlier backup, and restores from both', async () => {
  await storeOne(123_456)
  const full = join(bench.path, 'full.tar')
  const since = join(bench.path, 'since.tar')
  const made = JSON.parse((await run(source.dir, 'backup', since, '--since', full)).stdout) as {
    blobs: number
    earlierBlobs: number
  }
  expect(made.blobs).toBeGreaterThan(0)
  expect(made.earlierBlobs).toBeGreaterThan(5)
  expect(statSync(since).size).toBeLessThan(statSync(full).size)

  const dir = emptyFolder()
  const alone = await run(dir, 'restore', since)
  expect({ exitCode: alone.exitCode, files: readdirSync(join(dir, 'storage')) }).toEqual({ exitCode: 1, files: [] })
  expect(alone.stderr).toContain('Also name the backups it builds on')
  expect((await run(dir, 'restore', full, since)).exitCode).toBe(0)
  expect((await run(dir, 'verify', '--deep')).exitCode).toBe(0)
  const wrongOrder = await run(emptyFolder(), 'restore', since, full)
  expect(wrongOrder.exitCode).toBe(1)
  expect(wrongOrder.stderr).toContain('Name the backups oldest first')
  const twice = await run(dir, 'restore', full, since)
  expect({ exitCode: twice.exitCode, stderr: twice.stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringContaining('is not empty'),
  })
}, 60_000)

it('leaves out secrets on request, streams to stdout, and overwrites nothing', async () => {
  const [full, cut] = [join(bench.path, 'full.tar'), join(bench.path, 'cut.tar')]
  expect(await run(source.dir, 'backup', full)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('already exists'),
  })
  const streamed = await bench.run(['backup', '-', '--without-secrets', ...settings(source.dir)])
  expect({ exitCode: streamed.exitCode, note: streamed.stderr }).toEqual({
    exitCode: 0,
    note: expect.stringMatching(/Backed up \d+ blobs/),
  })
  expect(streamed.stdout).toContain('index.sqlite')
  expect(streamed.stdout).not.toContain(testSecrets.signing.secretAccessKey)

  writeFileSync(cut, '')
  truncateSync(cut, 4096)
  expect(await run(source.dir, 'backup', join(bench.path, 'x.tar'), '--since', cut)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('is not a complete backup'),
  })
  expect(existsSync(join(bench.path, 'x.tar'))).toBe(false)
}, 60_000)

it('refuses a damaged secrets.json, names it, and leaves it out on request', async () => {
  const dir = emptyFolder()
  const gateway = await startGateway({}, { dir })
  await gateway.close()
  const secrets = join(dir, 'storage', 'secrets.json')
  writeFileSync(secrets, '{"version":1', { mode: 0o600 })
  const target = join(dir, 'backup.tar')
  const refused = await run(dir, 'backup', target)
  expect(refused.exitCode).toBe(1)
  expect(refused.stderr).toContain(secrets)
  expect(refused.stderr).toContain('--without-secrets')
  expect(readdirSync(dir).filter((name) => name.includes('backup.tar'))).toEqual([])
  expect(await run(dir, 'backup', target, '--without-secrets')).toMatchObject({ exitCode: 0 })
})

it('a killed restore leaves a folder that serve refuses, and that can be used again once it is empty', async () => {
  const dir = emptyFolder()
  const backup = join(dir, 'backup.tar')
  expect(await run(source.dir, 'backup', backup)).toMatchObject({ exitCode: 0 })
  const half = emptyFolder()
  const restoring = bench.start(['restore', '-', ...settings(half)], { input: 'pipe' })
  const bytes = readFileSync(backup)
  restoring.child.stdin!.on('error', () => {})
  restoring.child.stdin!.write(bytes.subarray(0, bytes.length - 2048))
  const unpacked = (): string[] => readdirSync(join(half, 'storage'), { recursive: true, encoding: 'utf8' })
  await expect.poll(unpacked, { timeout: limit(30_000) }).toContainEqual(expect.stringMatching(/index\.sqlite$/))
  restoring.child.kill('SIGKILL')
  await restoring.finished
  const before = readdirSync(join(half, 'storage'))
  const anyPort = ['server.listen=127.0.0.1:0', 'objects.listen=127.0.0.1:0'].flatMap((setting) => ['--set', setting])
  const served = await bench.run(['serve', ...settings(half), ...anyPort])
  expect(served).toMatchObject({ exitCode: 1, stdout: '' })
  expect(served.stderr).toContain('a restore did not finish')
  expect(readdirSync(join(half, 'storage'))).toEqual(before)
  await rm(join(half, 'storage'), { recursive: true })
  expect(await run(half, 'restore', backup)).toMatchObject({ exitCode: 0 })
})
