import { said, type StoreProbe } from './store-probe.ts'
import { failed, ok, type Check } from '../check.ts'
import type { Answer } from './traces.ts'

export const probeBody = Buffer.from('postern doctor: this object can be deleted\n')

export const put: Check<StoreProbe> = {
  name: 'put',
  needs: ['credentials', 'bucket', 'region'],
  async run(probe) {
    const headers = { 'content-type': 'text/plain' }
    const answer = await probe.request({ method: 'PUT', key: probe.key('object'), headers, body: probeBody })
    if (answer.status === 200) return ok('An object can be written.')
    return failed(`The store answers ${said(answer)} to a PUT.`, fixFor(answer, 's3:PutObject', 'write'))
  },
}

/** What to do when the store refuses an operation. `action` is the name in a policy. */
export function fixFor(answer: Answer, action: string, verb: string): string {
  if (answer.status === 403) {
    return `Allow the key to ${verb}: add ${action} on the bucket and on bucket/* to its policy (a read-only key cannot ${verb}). Check that no bucket policy denies it.`
  }
  if (answer.code === 'NoSuchBucket') return 'Create the bucket, or correct storage.bucket.'
  if (answer.status === 507 || answer.code === 'InsufficientStorage' || answer.code === 'QuotaExceeded') {
    return 'The store is full. Free some space, or raise its quota.'
  }
  if (answer.status >= 500) return 'The store fails. Check the log of the store.'
  return `The store says: ${answer.message ?? 'nothing more'}.`
}

export const get: Check<StoreProbe> = {
  name: 'get',
  needs: ['put'],
  async run(probe) {
    const answer = await probe.request({ method: 'GET', key: probe.key('object') })
    if (answer.status !== 200)
      return failed(`The store answers ${said(answer)} to a GET.`, fixFor(answer, 's3:GetObject', 'read'))
    if (answer.body.equals(probeBody)) return ok('An object can be read, with the bytes that were written.')
    return failed(
      'The bytes that were read differ from those that were written.',
      'Look for a proxy between this machine and the store that rewrites or compresses bodies.',
    )
  },
}

/** Media players and resumed downloads need ranges. */
export const range: Check<StoreProbe> = {
  name: 'range',
  needs: ['get'],
  async run(probe) {
    const headers = { range: 'bytes=2-5' }
    const answer = await probe.request({ method: 'GET', key: probe.key('object'), headers })
    if (answer.status === 206 && answer.body.equals(probeBody.subarray(2, 6))) return ok('Ranges are served.')
    const proxy = 'A proxy or CDN drops the Range header. Configure it to forward Range, which seeking in videos needs.'
    return failed(
      `The store answers a range with ${said(answer)} and ${answer.body.length} bytes, instead of 206 and 4 bytes.`,
      proxy,
    )
  },
}

export const list: Check<StoreProbe> = {
  name: 'list',
  needs: ['credentials', 'bucket', 'region'],
  async run(probe) {
    const query = { 'list-type': '2', prefix: probe.folder }
    const answer = await probe.request({ method: 'GET', query })
    if (answer.status === 200 && answer.text.includes('<ListBucketResult')) return ok('Keys can be listed.')
    if (answer.status === 200)
      return failed(
        'The store answers a listing with something else.',
        'Correct storage.s3.endpoint, which must be an S3 endpoint, and storage.s3.forcePathStyle.',
      )
    return failed(`The store answers ${said(answer)} to a listing.`, fixFor(answer, 's3:ListBucket', 'list'))
  },
}

/** Creates, lists and completes an upload of one part. Creates and aborts another one. */
export const multipart: Check<StoreProbe> = {
  name: 'multipart',
  needs: ['put'],
  async run(probe) {
    const key = probe.key('multipart')
    const create = () => probe.request({ method: 'POST', key, query: { uploads: '' } })
    const created = await create()
    const uploadId = uploadIdOf(created.text)
    if (uploadId === undefined) {
      return failed(
        `The store answers ${said(created)} when a multipart upload is created.`,
        fixFor(created, 's3:PutObject', 'write'),
      )
    }
    const part = await probe.request({ method: 'PUT', key, query: { partNumber: '1', uploadId }, body: probeBody })
    const etag = part.headers.etag
    const abort = () => probe.request({ method: 'DELETE', key, query: { uploadId } })
    if (part.status !== 200 || etag === undefined) {
      await abort()
      return failed(`The store answers ${said(part)} to a part.`, fixFor(part, 's3:PutObject', 'write'))
    }
    const listed = await probe.request({ method: 'GET', key, query: { uploadId } })
    const xml = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`
    const completed = await probe.request({ method: 'POST', key, query: { uploadId }, body: Buffer.from(xml) })
    if (completed.status !== 200 || completed.text.includes('<Error>')) {
      await abort()
      return failed(
        `The store answers ${said(completed)} when a multipart upload is completed.`,
        fixFor(completed, 's3:PutObject', 'write'),
      )
    }
    const other = uploadIdOf((await create()).text) ?? ''
    const aborted = await probe.request({ method: 'DELETE', key, query: { uploadId: other } })
    if (aborted.status >= 300) {
      return failed(
        `The store answers ${said(aborted)} when an upload is aborted. Its parts stay and use space.`,
        fixFor(aborted, 's3:AbortMultipartUpload', 'abort'),
      )
    }
    if (listed.status === 200) return ok('Multipart uploads can be created, listed, completed and aborted.')
    return failed(
      `The store answers ${said(listed)} when parts are listed, so uploads cannot be resumed.`,
      fixFor(listed, 's3:ListMultipartUploadParts', 'list parts'),
    )
  },
}

const uploadIdOf = (xml: string): string | undefined => /<UploadId>([^<]+)<\/UploadId>/.exec(xml)?.[1]

export const remove: Check<StoreProbe> = {
  name: 'delete',
  needs: ['put'],
  async run(probe) {
    const key = probe.key('object')
    const answer = await probe.request({ method: 'DELETE', key })
    if (answer.status >= 300) {
      return failed(
        `The store answers ${said(answer)} to a DELETE. Expired objects stay and use space.`,
        fixFor(answer, 's3:DeleteObject', 'delete'),
      )
    }
    const after = await probe.request({ method: 'HEAD', key })
    if (after.status === 404) return ok('Objects can be deleted.')
    return failed(
      `The store still answers ${after.status} for a deleted object.`,
      'Look for an object lock or a cache in front of the store.',
    )
  },
}
