/** Row 115: SIGKILL at any point. Every answered object reads back with its hash; what was half done leaves nothing. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createDiskDriver } from '../../src/drivers/disk/disk-driver.ts'
import { collect } from '../conformance/driver/suite-tools.ts'
import { blobFiles, diskOptions, tempFiles } from './disk-fixture.ts'

/** Uploads until it is killed; answers what was acknowledged. */
async function uploadAndKill(dir: string, round: number, wait: number): Promise<[key: string, sha256: string][]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'uploader.ts'), dir, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const acknowledged: [string, string][] = []
  const closed = new Promise((resolve) => child.once('close', resolve))
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(line.split(' ') as [string, string])
    if (acknowledged.length === 1) void setTimeout(wait).then(() => child.kill('SIGKILL'))
  }
  await closed
  expect(child.signalCode).toBe('SIGKILL')
  return acknowledged
}

it('keeps every acknowledged object through kills, and no temporary file', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'postern-crash-'))
  const acknowledged = new Map<string, string>()
  try {
    for (let round = 0; round < 6; round++) {
      for (const [key, sha256] of await uploadAndKill(dir, round, 37 * (round + 1))) acknowledged.set(key, sha256)
      const driver = await createDiskDriver(diskOptions(dir, { sweepOnStart: true, grace: 0 }))
      expect(await tempFiles(dir)).toEqual([])
      for (const [key, sha256] of acknowledged) {
        const object = await driver.getObject({ bucket: 'postern', key })
        expect(
          createHash('sha256')
            .update(await collect(object.stream()))
            .digest('hex'),
        ).toBe(sha256)
      }
      await driver.sweep()
      let rows = 0
      let token: string | undefined
      do {
        const page = await driver.listObjects({
          bucket: 'postern',
          ...(token !== undefined && { continuationToken: token }),
        })
        rows += page.objects.length
        token = page.nextContinuationToken
      } while (token !== undefined)
      expect(await blobFiles(dir)).toHaveLength(rows)
      await driver.close()
    }
    expect(acknowledged.size).toBeGreaterThan(20)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}, 120_000)
