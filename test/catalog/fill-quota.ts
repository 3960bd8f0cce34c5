/** Run as a process of its own: creates uploads until the quota of 300 bytes refuses, and reports how many it got. */
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
