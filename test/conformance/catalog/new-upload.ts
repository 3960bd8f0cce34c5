/** Uploads for a catalog. Independent of the test runner, because child processes use it too. */
import { randomUUID } from 'node:crypto'
import type { ConfirmedFacts, NewUpload } from '../../../src/catalog/catalog.ts'
import type { ObjectRef } from '../../../src/drivers/driver.ts'

const start = Date.UTC(2026, 0, 15, 12)
/** Seconds after `start`. */
export const at = (seconds: number): Date => new Date(start + seconds * 1000)
export const noQuota = { userBytes: null, userFiles: null }

export type Overrides = {
  file?: Partial<NewUpload['file']>
  grant?: Partial<NewUpload['grant']>
} & Partial<Omit<NewUpload, 'file' | 'grant'>>

/** A private upload of ten bytes by alice, its URL good for 600 s, to be confirmed within 3600 s. */
export function newUpload(o: Overrides = {}): NewUpload {
  const id = o.file?.id ?? randomUUID()
  const key = o.file?.key ?? `uploads/${id}.txt`
  return {
    reserve: { bytes: 10, exact: true },
    quota: noQuota,
    maxPending: 1000,
    now: at(0),
    ...o,
    file: {
      owner: 'alice',
      store: 'disk',
      filename: 'notes.txt',
      mimeType: 'text/plain',
      visibility: 'private',
      metadata: {},
      ...o.file,
      id,
      key,
    },
    grant: {
      method: 'PUT',
      target: { bucket: 'postern', key },
      declaredSize: 10,
      declaredChecksum: null,
      writeOnce: true,
      autoConfirm: false,
      urlExpiresAt: at(600),
      confirmBy: at(3600),
      multipart: null,
      ...o.grant,
    },
  }
}

export const facts = (upload: { file: { object: ObjectRef } }, o: Partial<ConfirmedFacts> = {}): ConfirmedFacts => ({
  object: { ...upload.file.object, etag: 'e1' },
  mimeType: 'text/plain',
  size: 10,
  checksum: null,
  quota: noQuota,
  now: at(60),
  ...o,
})
