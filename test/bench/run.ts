/**
 * `npm run bench [-- PATTERN]`: this gateway, built and installed as users have it, beside plain node:http, s3rver and,
 * where it is installed, nginx. All servers run at once; each scenario is run in rounds with the order shuffled, after a
 * warm-up, and what is printed are rates and the medians of the ratios within a round. Ratios hold across machines,
 * rates do not. The others neither hash nor sync; this gateway does both before it answers. BENCH_ROUNDS sets the rounds.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { S3Client, PutObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { presign } from '../../src/sigv4/presign.ts'
import { run } from './load.ts'
import { measureListing } from './listing.ts'
import {
  buildGateway,
  startGatewayServer,
  startNginx,
  startPlainServer,
  startS3rver,
  type Built,
  type Server,
} from './servers.ts'

const KiB = 1024
const MiB = 1024 * KiB
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 5)

type Scenario = {
  name: string
  size: number
  concurrency: number
  count: number
  method: 'PUT' | 'GET'
  range?: number
}
const scenarios: Scenario[] = [
  { name: 'PUT 4 KiB ×8', method: 'PUT', size: 4 * KiB, concurrency: 8, count: 1200 },
  { name: 'PUT 1 MiB ×8', method: 'PUT', size: MiB, concurrency: 8, count: 96 },
  { name: 'PUT 64 MiB ×1', method: 'PUT', size: 64 * MiB, concurrency: 1, count: 3 },
  { name: 'PUT 64 MiB ×8', method: 'PUT', size: 64 * MiB, concurrency: 8, count: 8 },
  { name: 'GET 64 KiB ×8', method: 'GET', size: 64 * KiB, concurrency: 8, count: 1600 },
  { name: 'GET 1 MiB ×8', method: 'GET', size: MiB, concurrency: 8, count: 320 },
  { name: 'GET 512 MiB ×1', method: 'GET', size: 512 * MiB, concurrency: 1, count: 2 },
  { name: 'Range 64 KiB ×8', method: 'GET', size: 512 * MiB, range: 64 * KiB, concurrency: 8, count: 1600 },
]

let unique = 0
async function measure(server: Server, s: Scenario): Promise<number> {
  const concurrency = { method: s.method, concurrency: s.concurrency, count: s.count }
  if (s.method === 'PUT') {
    const body = randomBytes(Math.min(s.size, MiB))
    const whole = s.size > MiB ? Buffer.concat(Array.from({ length: s.size / MiB }, () => body)) : body
    const urls = Array.from({ length: s.count }, () => server.urlFor('PUT', `${s.size}-${unique++}`))
    return run({ ...concurrency, url: (i) => urls[i]!, body: whole })
  }
  const url = server.urlFor('GET', `read-${s.size}`)
  if (s.range === undefined) return run({ ...concurrency, url: () => url, expectBytes: s.size })
  return run({
    ...concurrency,
    url: () => url,
    headers: { range: `bytes=1048576-${1048576 + s.range - 1}` },
    expectBytes: s.range,
  })
}

async function prepareReads(server: Server, chosen: readonly Scenario[]): Promise<void> {
  for (const size of new Set(chosen.filter((s) => s.method === 'GET').map((s) => s.size))) {
    await run({
      method: 'PUT',
      concurrency: 1,
      count: 1,
      url: () => server.urlFor('PUT', `read-${size}`),
      body: Buffer.alloc(size, 7),
    })
  }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
const rss = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
}

/** Milliseconds of CPU that a process has had. */
const cpu = async (pid: number): Promise<number> => {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')).split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 10
}

async function compare(servers: Server[], chosen: readonly Scenario[]): Promise<void> {
  const [ours, ...others] = servers as [Server, ...Server[]]
  const columns = ['scenario'.padEnd(18), 'postern/s'.padStart(10), 'CPU ms each'.padStart(12)]
  console.log([...columns, ...others.map((o) => `vs ${o.name}`.padStart(14))].join(' '))
  for (const scenario of chosen) {
    for (const server of servers) await measure(server, scenario)
    const rates = new Map<string, number[]>(servers.map((s) => [s.name, []]))
    const before = await cpu(ours.pid)
    for (let round = 0; round < rounds; round++) {
      for (const server of shuffled(servers)) rates.get(server.name)!.push(await measure(server, scenario))
    }
    const each = ((await cpu(ours.pid)) - before) / rounds / scenario.count
    const mine = rates.get(ours.name)!
    const ratios = others.map((o) => median(mine.map((rate, i) => rate / rates.get(o.name)![i]!)))
    console.log(
      [
        scenario.name.padEnd(18),
        median(mine).toFixed(1).padStart(10),
        each.toFixed(2).padStart(12),
        ...ratios.map((r) => r.toFixed(2).padStart(14)),
      ].join(' '),
    )
  }
}

/** Medians of several starts; the first one, which compiles, is told apart. */
async function starts(built: Built): Promise<void> {
  const times: number[] = []
  const sizes: number[] = []
  for (let i = 0; i < 8; i++) {
    const server = await startGatewayServer(built)
    times.push(server.startedIn)
    // By then the compiled code is kept for the next start.
    await setTimeout(2500)
    sizes.push(await rss(server.pid))
    await server.stop()
  }
  const [first, ...later] = times as [number, ...number[]]
  console.log(
    `start to first answer ${median(later).toFixed(0)} ms (fastest ${Math.min(...later).toFixed(0)}, the first of all ${first.toFixed(0)}); ` +
      `idle RSS ${median(sizes).toFixed(0)} MB\n`,
  )
}

async function issuing(gateway: Server): Promise<void> {
  const body = Buffer.from(JSON.stringify({ filename: 'photo.jpg', mimeType: 'image/jpeg', size: 48_213 }))
  const { url, headers } = gateway.issue!
  const load = {
    method: 'POST' as const,
    concurrency: 8,
    url: () => url,
    body,
    headers: { ...headers, 'content-type': 'application/json' },
  }
  await run({ ...load, count: 200 })
  console.log(
    `\nPOST /files/upload-url ×8: ${(await run({ ...load, count: 4000 })).toFixed(0)} /s, each recorded durably`,
  )

  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret-secret-secret' }
  const client = new S3Client({
    region: 'us-east-1',
    credentials,
    endpoint: 'http://127.0.0.1:1',
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  const input = {
    bucket: 'postern',
    endpoint: 'http://127.0.0.1:1',
    pathStyle: true,
    credentials,
    region: 'us-east-1',
    expiresIn: 600,
  }
  const rate = async (count: number, once: (i: number) => unknown): Promise<number> => {
    const began = performance.now()
    for (let i = 0; i < count; i++) await once(i)
    return (count / (performance.now() - began)) * 1000
  }
  const sdk = (i: number): unknown =>
    getSignedUrl(client, new PutObjectCommand({ Bucket: 'postern', Key: `k${i}` }), { expiresIn: 600 })
  const own = (i: number): unknown => presign({ ...input, method: 'PUT', key: `k${i}`, now: new Date() })
  await rate(500, sdk)
  await rate(5000, own)
  const [sdkRate, ownRate] = [await rate(3000, sdk), await rate(100_000, own)]
  console.log(
    `presign: ${ownRate.toFixed(0)} /s, ${(ownRate / sdkRate).toFixed(0)} × getSignedUrl of the AWS SDK (${sdkRate.toFixed(0)} /s)`,
  )
}

async function memory(gateway: Server): Promise<void> {
  const idle = await rss(gateway.pid)
  const body = Buffer.alloc(256 * MiB, 3)
  const peak = async (concurrency: number): Promise<number> => {
    let highest = 0
    const timer = setInterval(() => void rss(gateway.pid).then((now) => (highest = Math.max(highest, now))), 50)
    await run({
      method: 'PUT',
      concurrency,
      count: concurrency,
      url: (i) => gateway.urlFor('PUT', `memory-${concurrency}-${i}`),
      body,
    })
    clearInterval(timer)
    return highest
  }
  const [one, many] = [await peak(1), await peak(16)]
  console.log(
    `memory: ${idle.toFixed(0)} MB after the runs above, ${one.toFixed(0)} MB during one upload of 256 MiB, ${many.toFixed(0)} MB during 16 at once`,
  )
}

const pattern = new RegExp(process.argv[2] ?? '', 'i')
const chosen = scenarios.filter(({ name }) => pattern.test(name))
const dir = await mkdtemp(join(tmpdir(), 'postern-bench-'))
const servers: Server[] = []
try {
  const built = await buildGateway(dir)
  if (pattern.test('start')) await starts(built)
  const gateway = await startGatewayServer(built)
  servers.push(gateway)
  if (chosen.length > 0) {
    servers.push(await startPlainServer(dir), await startS3rver(dir))
    const nginx = await startNginx(dir, 48_211)
    if (nginx) servers.push(nginx)
    else console.log('nginx is not installed, or lacks its WebDAV module: left out')
    for (const server of servers) await prepareReads(server, chosen)
    await compare(servers, chosen)
  }
  if (pattern.test('issuing')) await issuing(gateway)
  if (pattern.test('listing')) await measureListing(built, gateway, rounds)
  if (pattern.test('memory')) await memory(gateway)
} finally {
  await Promise.all(servers.map((server) => server.stop()))
  await rm(dir, { recursive: true, force: true })
}
