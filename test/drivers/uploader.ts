/**
 * For disk-crash.test.ts: uploads in an endless loop, and prints `began <key> <sha256>`, then `answered …` for each.
 */
import { createHash, randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { createDiskDriver } from '../../src/drivers/disk/disk-driver.ts'
import { bodyOf } from '../conformance/driver/body.ts'
import { diskOptions } from './disk-fixture.ts'

const [dir, round] = process.argv.slice(2) as [string, string]
const driver = await createDiskDriver(diskOptions(dir, { sweepOnStart: true }))

async function upload(lane: number): Promise<void> {
  for (let i = 0; ; i++) {
    const data = randomBytes(i % 3 === 0 ? 1_500_000 : 4096)
    // Every fourth replaces the one before.
    const key = i % 4 === 3 ? `${round}/${lane}/${i - 1}` : `${round}/${lane}/${i}`
    const sha256 = createHash('sha256').update(data).digest('hex')
    writeSync(1, `began ${key} ${sha256}\n`)
    await driver.putObject({ bucket: 'postern', key }, bodyOf(data), { contentLength: data.length })
    writeSync(1, `answered ${key} ${sha256}\n`)
  }
}
await Promise.all(Array.from({ length: 6 }, (_, lane) => upload(lane)))
