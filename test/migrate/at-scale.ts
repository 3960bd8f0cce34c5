/**
 * `npm run test:migration -- --files 20000 --large 6 --kills 3`: so many small files and one of so many GB (10^9) move
 * to the S3 store that the S3_TEST_ variables name and back, each way killed so many times, while files are uploaded
 * and downloaded. Ends with 0 where every checksum is equal at the end and no request on the way failed for good.
 */
import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { call, type Caller, type Json } from '../api/caller.ts'
import { createTestBucket } from '../fixtures/s3-store.ts'
import { MigrationHarness, outcome } from './harness.ts'

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '20000' },
    large: { type: 'string', default: '6' },
    kills: { type: 'string', default: '3' },
  },
})
const [files, large, kills] = [Number(values.files), Number(values.large) * 1e9, Number(values.kills)]
const MiB = 2 ** 20
const partSize = 64 * MiB
const settings = {
  uploads: { partSize: '64MiB', maxSize: '10GB', allowedTypes: ['*/*'] },
  limits: { issuePerMinute: 1_000_000, requestsPerMinute: 1_000_000, pendingUploads: 1000 },
}

type Known = { id: string; sha256: string; url: string }

const { bucket, endpoint, accessKeyId, secretAccessKey, s3: client, remove } = await createTestBucket()
const provider = process.env['S3_TEST_PROVIDER'] ?? 'ceph'
const s3 = { endpoint, provider, region: 'us-east-1', forcePathStyle: true, accessKeyId, secretAccessKey }
const harness = await MigrationHarness.create({ bucket, client, s3, close: remove })
const known: Known[] = []
const begun = performance.now()
const tell = (text: string): void =>
  console.log(`${((performance.now() - begun) / 1000).toFixed(0).padStart(5)} s  ${text}`)

try {
  await harness.start('disk', settings)
  await seed()
  for (const to of ['s3', 'disk'] as const) {
    await harness.start(to, settings)
    const traffic = startTraffic()
    await migrateWithKills(to)
    tell(`meanwhile ${await traffic.end()}`)
    await checkAll(`after the way to ${to}`)
  }
} finally {
  await harness.close()
}

async function seed(): Promise<void> {
  const alice = await harness.alice()
  await inLanes(files, 8, async (i) => known.push(await sendSmall(alice, (i * 37) % 8192)))
  tell(`${files} files sent`)
  known.push(await sendLarge(alice))
  tell(`one of ${large} bytes sent`)
}

/** Kills it whenever another share of the bytes and files has gone over, then lets it come to its end. */
async function migrateWithKills(to: 'disk' | 's3'): Promise<void> {
  const { catalog } = harness.running.gateway
  const from = to === 's3' ? 'disk' : 's3'
  const waiting = async (): Promise<number> => (await catalog.countIn(from)).files
  const atFirst = await waiting()
  for (let kill = 1; kill <= kills; kill++) {
    const { child, finished } = harness.begin(to, '--concurrency', '8')
    const until = atFirst * (1 - kill / (kills + 1))
    while ((await waiting()) > until && child.exitCode === null) await sleep(50)
    child.kill('SIGKILL')
    const ended = await finished
    if (ended.signal !== 'SIGKILL') throw new Error(`the migration ended before kill ${kill}: ${JSON.stringify(ended)}`)
    tell(`to ${to}: killed with ${await waiting()} files left`)
  }
  const ended = outcome(await harness.begin(to, '--concurrency', '8').finished)
  if (ended.exitCode !== 0) throw new Error(`migrate ended with ${ended.exitCode}: ${JSON.stringify(ended)}`)
  tell(`to ${to}: ${ended['moved'].files} more files moved, ${await waiting()} left`)
}

/** Uploads and downloads by URLs from before the migration and by fresh ones, one after the other in two lanes each. */
function startTraffic(): { end(): Promise<string> } {
  const counts = { sent: 0, read: 0, retried: 0 }
  const over = new AbortController()
  const patiently = async <T>(what: string, act: () => Promise<T>): Promise<T> => {
    for (let tries = 0; ; tries++) {
      try {
        return await act()
      } catch (cause) {
        if (tries === 4) throw new Error(`${what} failed five times`, { cause })
        counts.retried++
        await sleep(100 * 2 ** tries)
      }
    }
  }
  const small = known.length - 1
  const upload = async (): Promise<void> => {
    const alice = await harness.alice()
    while (!over.signal.aborted) {
      known.push(await patiently('an upload', () => sendSmall(alice, 3000)))
      counts.sent++
      await sleep(50)
    }
  }
  const read = async (isFresh: boolean): Promise<void> => {
    const alice = await harness.alice()
    while (!over.signal.aborted) {
      const file = known[Math.floor(Math.random() * small)]!
      await patiently(`file ${file.id}`, async () => check(file, isFresh ? await urlOf(alice, file.id) : file.url))
      counts.read++
      await sleep(20)
    }
  }
  const lanes = [upload(), upload(), read(true), read(false)]
  const failed = Promise.all(lanes)
  failed.catch(() => over.abort())
  return {
    async end() {
      over.abort()
      await failed
      return `${counts.sent} files sent, ${counts.read} read, ${counts.retried} requests tried again`
    },
  }
}

async function checkAll(when: string): Promise<void> {
  const alice = await harness.alice()
  await inLanes(known.length, 8, async (i) => check(known[i]!, await urlOf(alice, known[i]!.id)))
  const old = known.filter((_, i) => i % 20 === 0)
  await inLanes(old.length, 8, (i) => check(old[i]!, old[i]!.url))
  tell(`${when}: ${known.length} checksums equal, ${old.length} of them also by URLs from before`)
}

async function sendSmall(alice: Caller, size: number): Promise<Known> {
  const bytes = randomBytes(size)
  const type = 'application/octet-stream'
  const issued = expectStatus(
    await alice.post('/files/upload-url', { filename: 'small.bin', mimeType: type, size }),
    200,
  )
  expectStatus(await call(issued.uploadUrl, { method: 'PUT', headers: issued.headers, body: bytes }), 200)
  expectStatus(await alice.post('/files/confirm', { id: issued.id }), 201)
  return { id: issued.id, sha256: createHash('sha256').update(bytes).digest('hex'), url: await urlOf(alice, issued.id) }
}

async function sendLarge(alice: Caller): Promise<Known> {
  const hash = createHash('sha256')
  const fields = { filename: 'large.bin', mimeType: 'application/octet-stream', size: large, partSize }
  const { id } = expectStatus(await alice.post('/files/multipart', fields), 200)
  for (let part = 1, left = large; left > 0; part++, left -= partSize) {
    const bytes = randomBytes(Math.min(left, partSize))
    hash.update(bytes)
    const { json } = await alice.post(`/files/multipart/${id}/parts`, { partNumbers: [part] })
    const [{ url }] = (json as unknown as { parts: [{ url: string }] }).parts
    expectStatus(await call(url, { method: 'PUT', body: bytes }), 200)
  }
  expectStatus(await alice.post(`/files/multipart/${id}/complete`, {}), 201)
  return { id, sha256: hash.digest('hex'), url: await urlOf(alice, id) }
}

async function urlOf(alice: Caller, id: string): Promise<string> {
  return expectStatus(await alice.get(`/files/${id}/download-url?expiresIn=86400`), 200).downloadUrl
}

async function check({ id, sha256 }: Known, url: string): Promise<void> {
  const answer = await fetch(url)
  const hash = createHash('sha256')
  for await (const chunk of answer.body ?? []) hash.update(chunk)
  if (answer.status !== 200) throw new Error(`file ${id} answered ${answer.status}`)
  const found = hash.digest('hex')
  if (found !== sha256) throw new Error(`file ${id} reads as ${found}, not as ${sha256}`)
}

function expectStatus(answer: { status: number; text: string; json: Json }, status: number): Json {
  if (answer.status !== status) throw new Error(`answered ${answer.status}: ${answer.text.slice(0, 500)}`)
  return answer.json
}

async function inLanes(count: number, lanes: number, act: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await act(next++)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}
