/**
 * For disk-versions.test.ts: writes and deletes one key until it ends between the sync of the log and the commit of the
 * index. Prints each acknowledged version and delete marker.
 */
import { writeSync } from 'node:fs'
import { createDiskDriver } from '../../src/drivers/disk/disk-driver.ts'
import { fileCalls } from '../../src/drivers/disk/file-calls.ts'
import { bodyOf } from '../conformance/driver/body.ts'
import { diskOptions } from './disk-fixture.ts'

const [dir, dieAt] = process.argv.slice(2) as [string, string]
let syncs = 0
const driver = await createDiskDriver(
  diskOptions(dir, {
    calls: {
      fdatasyncSync(fd) {
        fileCalls.fdatasyncSync(fd)
        if (++syncs === Number(dieAt)) process.kill(process.pid, 'SIGKILL')
      },
    },
  }),
)
const ref = { bucket: 'photos', key: 'a' }
for (let i = 0; ; i++) {
  const { versionId } = await driver.putObject(ref, bodyOf(`data ${i}`))
  writeSync(1, `version ${versionId}\n`)
  if (i % 3 !== 2) continue
  const marker = await driver.deleteObject(ref)
  writeSync(1, `marker ${marker.versionId}\n`)
}
