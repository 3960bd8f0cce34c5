/** Run as a process of its own: creates uploads until the quota of 300 bytes refuses, and reports how many it got. */
import { createCatalog } from '../../src/catalog/create-catalog.ts'
import { isStorageError } from '../../src/errors.ts'

const id = () => crypto.randomUUID()
const hour = 3_600_000
const catalog = await createCatalog({ url: process.argv[2]! })
await catalog.migrate()
let created = 0
for (;;) {
  const key = `uploads/${id()}`
  try {
    await catalog.createUpload({
      file: {
        id: id(),
        owner: 'alice',
        store: 'disk',
        key,
        filename: 'a',
        mimeType: 'a/b',
        visibility: 'private',
        metadata: {},
      },
      grant: {
        method: 'PUT',
        target: { bucket: 'postern', key },
        declaredSize: 10,
        declaredChecksum: null,
        writeOnce: true,
        autoConfirm: false,
        urlExpiresAt: new Date(Date.now() + hour),
        confirmBy: new Date(Date.now() + 2 * hour),
        multipart: null,
      },
      reserve: { bytes: 10, exact: true },
      quota: { userBytes: 300, userFiles: null },
      maxPending: 1000,
      now: new Date(),
    })
    created += 1
  } catch (error) {
    if (!isStorageError(error, 'QuotaExceeded')) throw error
    break
  }
}
await catalog.close()
process.send!(created)
process.disconnect()
