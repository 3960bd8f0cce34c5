import { describe, expect, it } from 'vitest'
import { at, confirmedFile, facts, newUpload, noQuota, useCatalog } from './fixtures.ts'
import type { MakeCatalog } from './fixtures.ts'

export function uploadObligations(make: MakeCatalog): void {
  const the = useCatalog(make)
  const usage = (owner = 'alice') => the.catalog.usage(owner)
  const idle = { bytes: 0, files: 0, reservedBytes: 0, reservedFiles: 0 }

  describe('createUpload', () => {
    it('records the file as pending, with its grant and every field given', async () => {
      const asked = newUpload({
        file: {
          filename: 'photo é.jpg',
          visibility: 'public',
          metadata: { album: '2026', __proto__: 'x' },
          store: 's3',
        },
        grant: {
          method: 'MULTIPART',
          declaredChecksum: { algorithm: 'sha256', value: 'abc=' },
          autoConfirm: true,
          writeOnce: false,
          multipart: { uploadId: 'u-1', partSize: 8_388_608, partCount: 3 },
        },
      })
      const made = await the.catalog.createUpload(asked)
      expect(made.file).toEqual({
        ...asked.file,
        object: asked.grant.target,
        size: null,
        checksum: null,
        status: 'pending',
        createdAt: at(0),
        confirmedAt: null,
      })
      expect(made.grant).toEqual({ ...asked.grant, fileId: asked.file.id, reservedBytes: 10 })
      expect(await the.catalog.findUpload('alice', { id: asked.file.id })).toEqual(made)
    })

    it('reserves the declared size and one file', async () => {
      await the.catalog.createUpload(newUpload({ reserve: { bytes: 70, exact: true } }))
      expect(await usage()).toEqual({ ...idle, reservedBytes: 70, reservedFiles: 1 })
      expect(await usage('bob')).toEqual(idle)
    })

    it('keeps the facts of the object of a pending upload, and counts its bytes as stored', async () => {
      const asked = newUpload({ reserve: { bytes: 70, exact: true } })
      const { file, grant } = await the.catalog.createUpload(asked)
      const written = { bytes: 30, mark: 'one write', isVerified: true }
      await the.catalog.noteWritten(file.id, written)
      expect((await the.catalog.findUploadByKey(file.key))?.grant).toEqual({ ...grant, written })
      expect(await usage()).toEqual({ ...idle, bytes: 30, reservedBytes: 40, reservedFiles: 1 })
      expect(await the.catalog.usageDifferences()).toEqual([])

      await the.catalog.noteWritten(file.id, { bytes: 50, mark: 'another', isVerified: false })
      expect(await usage()).toEqual({ ...idle, bytes: 50, reservedBytes: 20, reservedFiles: 1 })
      expect(await usage('bob')).toEqual(idle)
      await the.catalog.expireUpload(file.id, at(1))
      expect(await usage()).toEqual(idle)
      await the.catalog.noteWritten(file.id, written)
      expect((await the.catalog.findUploadByKey(file.key))?.grant?.written?.bytes).toBe(50)
      expect(await usage()).toEqual(idle)
    })

    it('refuses an upload over the quota, and records nothing', async () => {
      const quota = { userBytes: 100, userFiles: null }
      await the.catalog.createUpload(newUpload({ quota, reserve: { bytes: 60, exact: true } }))
      const refused = newUpload({ quota, reserve: { bytes: 41, exact: true } })
      await expect(the.catalog.createUpload(refused)).rejects.toMatchObject({ code: 'QuotaExceeded' })
      expect(await the.catalog.findUpload('alice', { id: refused.file.id })).toBeNull()
      expect(await usage()).toEqual({ ...idle, reservedBytes: 60, reservedFiles: 1 })
      await the.catalog.createUpload(newUpload({ quota, reserve: { bytes: 40, exact: true } }))
      await the.catalog.createUpload(newUpload({ quota, reserve: { bytes: 0, exact: true } }))
    })

    it('shrinks a reservation of unknown size to the remaining quota, but not to zero', async () => {
      const quota = { userBytes: 100, userFiles: null }
      const open = { bytes: 80, exact: false }
      const first = await the.catalog.createUpload(newUpload({ quota, reserve: open }))
      const second = await the.catalog.createUpload(newUpload({ quota, reserve: open }))
      expect([first.grant?.reservedBytes, second.grant?.reservedBytes]).toEqual([80, 20])
      await expect(the.catalog.createUpload(newUpload({ quota, reserve: open }))).rejects.toMatchObject({
        code: 'QuotaExceeded',
      })
    })

    it('counts pending files against the quota of files', async () => {
      const quota = { userBytes: null, userFiles: 2 }
      await confirmedFile(the.catalog, { quota })
      await the.catalog.createUpload(newUpload({ quota }))
      await expect(the.catalog.createUpload(newUpload({ quota }))).rejects.toMatchObject({ code: 'QuotaExceeded' })
      await the.catalog.createUpload(newUpload({ quota, file: { owner: 'bob' } }))
    })

    it('refuses more pending uploads than allowed', async () => {
      const first = await the.catalog.createUpload(newUpload({ maxPending: 1 }))
      await expect(the.catalog.createUpload(newUpload({ maxPending: 1 }))).rejects.toMatchObject({
        code: 'TooManyRequests',
      })
      await the.catalog.confirmUpload(first.file.id, facts(first))
      await the.catalog.createUpload(newUpload({ maxPending: 1 }))
    })

    it('gives the space for one upload to one of fifty parallel requests', async () => {
      const quota = { userBytes: 10, userFiles: null }
      const results = await Promise.allSettled(
        Array.from({ length: 50 }, () => the.catalog.createUpload(newUpload({ quota }))),
      )
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
      expect(await usage()).toEqual({ ...idle, reservedBytes: 10, reservedFiles: 1 })
    })
  })

  describe('findUpload', () => {
    it('finds by id and by key, and hides uploads of other owners', async () => {
      const made = await the.catalog.createUpload(newUpload())
      const { id, key } = made.file
      expect(await the.catalog.findUpload('alice', { key })).toEqual(made)
      expect(await the.catalog.findUpload('bob', { id })).toBeNull()
      expect(await the.catalog.findUpload('bob', { key })).toBeNull()
      expect(await the.catalog.findUploadByKey(key)).toEqual(made)
      expect(await the.catalog.findUploadByKey(key.toUpperCase())).toBeNull()
    })
  })

  describe('renewUpload', () => {
    it('moves the expiry of a pending upload', async () => {
      const { file } = await the.catalog.createUpload(newUpload())
      const times = { urlExpiresAt: at(5000), confirmBy: at(9000) }
      const renewed = await the.catalog.renewUpload(file.id, { ...times, writeOnce: true })
      expect(renewed?.grant).toMatchObject({ ...times, writeOnce: true })
      expect(await the.catalog.findUpload('alice', { id: file.id })).toEqual(renewed)
    })

    it('keeps the facts of URLs issued before: the later times, and that one of them may overwrite', async () => {
      const { file } = await the.catalog.createUpload(newUpload())
      await the.catalog.renewUpload(file.id, { urlExpiresAt: at(10), confirmBy: at(20), writeOnce: false })
      const renewed = await the.catalog.renewUpload(file.id, {
        urlExpiresAt: at(11),
        confirmBy: at(7200),
        writeOnce: true,
      })
      expect(renewed?.grant).toMatchObject({ urlExpiresAt: at(600), confirmBy: at(7200), writeOnce: false })
    })

    it('returns null unless it is pending', async () => {
      const { file } = await confirmedFile(the.catalog)
      const times = { urlExpiresAt: at(5000), confirmBy: at(9000), writeOnce: true }
      expect(await the.catalog.renewUpload(file.id, times)).toBeNull()
      expect(await the.catalog.renewUpload('nothing', times)).toBeNull()
    })
  })

  it('setMultipart is stored with the grant, and refused unless the upload is pending', async () => {
    const { file } = await the.catalog.createUpload(newUpload({ grant: { method: 'MULTIPART' } }))
    const multipart = { uploadId: 'u-2', partSize: 5_242_880, partCount: null }
    await the.catalog.setMultipart(file.id, multipart)
    expect((await the.catalog.findUpload('alice', { id: file.id }))?.grant?.multipart).toEqual(multipart)
    await the.catalog.expireUpload(file.id, at(1))
    await expect(the.catalog.setMultipart(file.id, multipart)).rejects.toMatchObject({ code: 'NotFound' })
  })

  describe('confirmUpload', () => {
    it("records the store's facts and settles the quota to the real size", async () => {
      const upload = await the.catalog.createUpload(newUpload({ reserve: { bytes: 50, exact: true } }))
      const object = { bucket: 'postern', key: 'files/moved.txt', versionId: 'v1', etag: 'e9' }
      const checksum = { algorithm: 'crc32', value: 'AAAAAA==', type: 'FULL_OBJECT' } as const
      const { file, created } = await the.catalog.confirmUpload(
        upload.file.id,
        facts(upload, { object, checksum, size: 12, mimeType: 'text/csv', filename: 'real.csv', now: at(70) }),
      )
      expect(created).toBe(true)
      expect(file).toEqual({
        ...upload.file,
        object,
        checksum,
        size: 12,
        mimeType: 'text/csv',
        filename: 'real.csv',
        status: 'confirmed',
        confirmedAt: at(70),
      })
      expect(await usage()).toEqual({ ...idle, bytes: 12, files: 1 })
      const kept = await the.catalog.findUpload('alice', { key: upload.file.key })
      expect(kept).toMatchObject({ file, grant: { reservedBytes: 0, target: upload.grant?.target } })
    })

    it('returns the stored record to every later call, whatever the facts', async () => {
      const upload = await the.catalog.createUpload(newUpload())
      const first = await the.catalog.confirmUpload(upload.file.id, facts(upload))
      const again = await the.catalog.confirmUpload(upload.file.id, facts(upload, { size: 99, mimeType: 'a/b' }))
      expect(again).toEqual({ file: first.file, created: false })
      expect(await usage()).toEqual({ ...idle, bytes: 10, files: 1 })
    })

    it('creates one file for concurrent confirmations', async () => {
      const upload = await the.catalog.createUpload(newUpload())
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => the.catalog.confirmUpload(upload.file.id, facts(upload))),
      )
      expect(answers.filter((answer) => answer.created)).toHaveLength(1)
      expect(new Set(answers.map((answer) => JSON.stringify(answer.file))).size).toBe(1)
      expect(await usage()).toEqual({ ...idle, bytes: 10, files: 1 })
    })

    it('charges the real size of an understated upload, and refuses it if it does not fit', async () => {
      const quota = { userBytes: 100, userFiles: null }
      const upload = await the.catalog.createUpload(newUpload({ quota, reserve: { bytes: 1, exact: true } }))
      const before = await the.catalog.findUpload('alice', { id: upload.file.id })
      await expect(
        the.catalog.confirmUpload(upload.file.id, facts(upload, { quota, size: 101, filename: 'x' })),
      ).rejects.toMatchObject({ code: 'QuotaExceeded' })
      expect(await the.catalog.findUpload('alice', { id: upload.file.id })).toEqual(before)
      expect(await usage()).toEqual({ ...idle, reservedBytes: 1, reservedFiles: 1 })
      await the.catalog.confirmUpload(upload.file.id, facts(upload, { quota, size: 100 }))
      expect(await usage()).toEqual({ ...idle, bytes: 100, files: 1 })
    })

    it('confirms a reserved upload although the quota was lowered since', async () => {
      const upload = await the.catalog.createUpload(newUpload())
      const quota = { userBytes: 5, userFiles: 0 }
      expect(await the.catalog.confirmUpload(upload.file.id, facts(upload, { quota }))).toMatchObject({ created: true })
    })

    it('is NotFound for files that are neither pending nor confirmed', async () => {
      const expired = await the.catalog.createUpload(newUpload())
      await the.catalog.expireUpload(expired.file.id, at(1))
      const deleted = await confirmedFile(the.catalog)
      await the.catalog.deleteFile('alice', deleted.file.id, at(61))
      for (const upload of [expired, deleted]) {
        await expect(the.catalog.confirmUpload(upload.file.id, facts(upload))).rejects.toMatchObject({
          code: 'NotFound',
        })
      }
      await expect(the.catalog.confirmUpload('nothing', facts(expired))).rejects.toMatchObject({ code: 'NotFound' })
      expect(await usage()).toEqual(idle)
    })
  })

  describe('expireUpload', () => {
    it('frees the reservation once, and not for a confirmed upload', async () => {
      const { file } = await the.catalog.createUpload(newUpload({ quota: noQuota }))
      const other = await confirmedFile(the.catalog)
      expect(await the.catalog.expireUpload(file.id, at(1))).toBe(true)
      expect(await the.catalog.expireUpload(file.id, at(1))).toBe(false)
      expect(await the.catalog.expireUpload(other.file.id, at(1))).toBe(false)
      expect(await usage()).toEqual({ ...idle, bytes: 10, files: 1 })
      expect((await the.catalog.findUpload('alice', { id: file.id }))?.file.status).toBe('expired')
    })

    it('spares a renewed upload when only overdue ones are expired', async () => {
      const { file } = await the.catalog.createUpload(newUpload())
      expect(await the.catalog.expireUpload(file.id, at(3599), { onlyIfOverdue: true })).toBe(false)
      expect(await the.catalog.expireUpload(file.id, at(3600), { onlyIfOverdue: true })).toBe(true)
    })
  })
}
