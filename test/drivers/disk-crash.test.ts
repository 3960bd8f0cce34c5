/**
 * Security case 115: SIGKILL at any point. Every acknowledged object has its hash afterwards, and an unfinished one
 * leaves nothing.
 */
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

/** Of each answered object the hashes it may have: the one answered, and one whose answer the kill cut off. */
type Answered = Map<string, string[]>

async function uploadAndKill(dir: string, round: number, wait: number, answered: Answered): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'uploader.ts'), dir, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = new Promise((resolve) => child.once('close', resolve))
  let killing: Promise<unknown> | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, key, sha256] = line.split(' ') as [string, string, string]
    if (what === 'answered') answered.set(key, [sha256])
    else answered.get(key)?.push(sha256)
    if (what === 'answered') killing ??= setTimeout(wait).then(() => child.kill('SIGKILL'))
  }
  await closed
  expect(child.signalCode).toBe('SIGKILL')
}

it('keeps every acknowledged object through kills, and no temporary file', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'postern-crash-'))
  const answered: Answered = new Map()
  try {
    for (let round = 0; round < 6; round++) {
      await uploadAndKill(dir, round, 37 * (round + 1), answered)
      const driver = await createDiskDriver(diskOptions(dir, { sweepOnStart: true, grace: 0 }))
      expect(await tempFiles(dir)).toEqual([])
      for (const [key, hashes] of answered) {
        const object = await driver.getObject({ bucket: 'postern', key })
        const served = createHash('sha256')
          .update(await collect(object.stream()))
          .digest('hex')
        expect(hashes).toContain(served)
        answered.set(key, [served])
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
    expect(answered.size).toBeGreaterThan(20)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}, 120_000)
