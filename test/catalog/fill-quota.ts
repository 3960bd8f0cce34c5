/** Runs as a child process: creates uploads until the quota of 300 bytes refuses one, and reports their number. */
import { createCatalog } from '../../src/catalog/create-catalog.ts'
import { isStorageError } from '../../src/errors.ts'
import { newUpload } from '../conformance/catalog/new-upload.ts'

const catalog = await createCatalog({ url: process.argv[2]! })
await catalog.migrate()
let created = 0
for (;;) {
  try {
    await catalog.createUpload(newUpload({ quota: { userBytes: 300, userFiles: null } }))
    created += 1
  } catch (error) {
    if (!isStorageError(error, 'QuotaExceeded')) throw error
    break
  }
}
await catalog.close()
process.send!(created)
process.disconnect()
