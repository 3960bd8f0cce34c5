/**
 * For disk-log-crash.test.ts: one of two processes that race for the same keys, and ends between the sync of the log
 * and the commit of the index. Prints `won <key>` and `lost <key>` for acknowledged writes.
 */
import { writeSync } from 'node:fs'
import { createDiskDriver } from '../../src/drivers/disk/disk-driver.ts'
import { fileCalls } from '../../src/drivers/disk/file-calls.ts'
import { isStorageError } from '../../src/errors.ts'
import { bodyOf } from '../conformance/driver/body.ts'
import { diskOptions } from './disk-fixture.ts'

const [dir, name, dieAt, round] = process.argv.slice(2) as [string, string, string, string]
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
writeSync(1, 'ready\n')
for (let i = 0; i < 40; i++) {
  const key = `${round}/${i}`
  try {
    await driver.putObject({ bucket: 'postern', key }, bodyOf(`by ${name}`), { ifNoneMatch: '*' })
    writeSync(1, `won ${key}\n`)
  } catch (error) {
    if (!isStorageError(error, 'PreconditionFailed')) throw error
    writeSync(1, `lost ${key}\n`)
  }
}
await driver.close()
