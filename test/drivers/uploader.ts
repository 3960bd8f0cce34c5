/** For disk-crash.test.ts: uploads without end and prints `<key> <sha256>` once each is answered. */
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
    // Every fourth replaces one of the round before.
    const key = i % 4 === 3 ? `${round}/${lane}/${i - 1}` : `${round}/${lane}/${i}`
    await driver.putObject({ bucket: 'postern', key }, bodyOf(data), { contentLength: data.length })
    writeSync(1, `${key} ${createHash('sha256').update(data).digest('hex')}\n`)
  }
}
await Promise.all(Array.from({ length: 6 }, (_, lane) => upload(lane)))
