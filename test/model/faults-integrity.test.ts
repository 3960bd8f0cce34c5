/** Faults change what clients see, never what is stored. */
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { verifyStore } from '../../src/drivers/disk/verify/verify-store.ts'
import type { RuleInput } from '../../src/testing/faults/rule.ts'
import { startPostern } from '../../src/testing/index.ts'
import { seededRandom } from '../faults/seeded-random.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

test('1000 random rules under load leave a sound store with everything that was acknowledged', async () => {
  const random = seededRandom(20_261_130)
  const effects = (): RuleInput['effect'] =>
    random.pick<() => RuleInput['effect']>([
      () => ({ error: { code: random.pick(['SlowDown', 'InternalError', 'AccessDenied']) } }),
      () => ({ reset: { at: random.pick(['request', 'headers', '50%', random.int(0, 3000)] as const) } }),
      () => ({ truncate: { at: random.int(0, 3000) } }),
      () => ({ corrupt: { at: random.int(0, 3000), of: random.pick(['upload', 'download'] as const) } }),
      () => ({ stall: { at: random.int(0, 3000), for: 0.01 } }),
      () => ({ error: { code: 'RequestTimeout', at: random.int(1, 3000) } }),
      () => ({ dropHeaders: ['etag'] }),
      () => ({ delay: { ms: 2, jitter: 3 } }),
      () => ({ stale: { for: '1s' } }),
      () => ({ bandwidth: { up: 500_000, down: 500_000 } }),
    ])()
  const postern = await startPostern({ buckets: ['app'], seed: 1, keepFolder: true })
  const s3 = new S3Client({ ...postern.s3Config(), maxAttempts: 2, requestHandler: { requestTimeout: 5000 } })
  /** Per key: digests that a read may show. An unanswered write may or may not have taken effect. */
  const possible = new Map<string, Set<string | null>>()
  let acknowledged = 0

  async function write(worker: number): Promise<void> {
    const key = `${worker}/${random.int(0, 9)}`
    const body = Buffer.alloc(random.int(0, 5000), random.int(0, 255))
    const before = possible.get(key) ?? new Set([null])
    possible.set(key, new Set([...before, sha256(body)]))
    await s3.send(new PutObjectCommand({ Bucket: 'app', Key: key, Body: body })).then(
      () => {
        acknowledged++
        possible.set(key, new Set([sha256(body)]))
      },
      () => {},
    )
  }

  for (let round = 0; round < 1000; round += 4) {
    for (let n = 0; n < 4; n++) {
      postern.fault({
        when: { probability: 0.5, times: random.int(1, 3) },
        applied: false,
        effect: effects(),
      })
    }
    await Promise.all([0, 1, 2, 3].map((worker) => write(worker)))
    if (round % 40 === 0) postern.gateway.testMode!.faults.clear()
  }
  postern.gateway.testMode!.faults.clear()
  postern.gateway.testMode!.clearFaults()
  expect(acknowledged).toBeGreaterThan(100)
  const wrong: string[] = []
  for (const [key, allowed] of possible) {
    const found = await s3.send(new GetObjectCommand({ Bucket: 'app', Key: key })).then(
      async ({ Body }) => sha256(await Body!.transformToByteArray()),
      () => null,
    )
    if (!allowed.has(found)) wrong.push(key)
  }
  expect(wrong).toEqual([])
  const { path } = postern.gateway.config.storage.disk
  await postern.stop()
  const problems: unknown[] = []
  await verifyStore({
    path,
    deep: true,
    repair: false,
    grace: 3600,
    tempGrace: 3600,
    signal: new AbortController().signal,
    report: { count: () => {}, problem: (problem) => void problems.push(problem) },
  })
  expect(problems).toEqual([])
  await rm(postern.folder, { recursive: true, force: true })
})
