import { said, type Answer, type StoreProbe } from './store-probe.ts'
import { failed, ok, type Check } from '../check.ts'

export const probeBody = Buffer.from('postern doctor: this object may be removed\n')

export const put: Check<StoreProbe> = {
  name: 'put',
  needs: ['credentials', 'bucket', 'region'],
  async run(probe) {
    const headers = { 'content-type': 'text/plain' }
    const answer = await probe.request({ method: 'PUT', key: probe.key('object'), headers, body: probeBody })
    if (answer.status === 200) return ok('An object can be written.')
    return failed(`Writing an object is answered ${said(answer)}.`, fixFor(answer, 's3:PutObject', 'write'))
  },
}

/** For any operation that a policy can forbid. */
export function fixFor(answer: Answer, action: string, verb: string): string {
  if (answer.status === 403) {
    return `Let the key ${verb}: allow ${action} on the bucket and on bucket/* in its policy (read-only keys cannot), and look for a bucket policy that denies it.`
  }
  if (answer.code === 'NoSuchBucket') return 'Make the bucket, or correct storage.bucket.'
  if (answer.status === 507 || answer.code === 'InsufficientStorage' || answer.code === 'QuotaExceeded') {
    return 'The store is full: make room, or raise its quota.'
  }
  if (answer.status >= 500) return 'The store fails: look into its log.'
  return `The store says: ${answer.message ?? 'nothing more'}.`
}

export const get: Check<StoreProbe> = {
  name: 'get',
  needs: ['put'],
  async run(probe) {
    const answer = await probe.request({ method: 'GET', key: probe.key('object') })
    if (answer.status !== 200)
      return failed(`Reading it is answered ${said(answer)}.`, fixFor(answer, 's3:GetObject', 'read'))
    if (answer.body.equals(probeBody)) return ok('What was written is read back.')
    return failed(
      'Other bytes are read than were written.',
      'Something between here and the store changes bodies: look for a proxy that rewrites or compresses.',
    )
  },
}

/** Players and resumed downloads ask for parts. */
export const range: Check<StoreProbe> = {
  name: 'range',
  needs: ['get'],
  async run(probe) {
    const headers = { range: 'bytes=2-5' }
    const answer = await probe.request({ method: 'GET', key: probe.key('object'), headers })
    if (answer.status === 206 && answer.body.equals(probeBody.subarray(2, 6))) return ok('Ranges are served.')
    const proxy = 'A proxy or CDN between drops Range: let it pass the header on. Seeking in video needs it.'
    return failed(`A range is answered ${said(answer)} with ${answer.body.length} bytes instead of 206 with 4.`, proxy)
  },
}

export const list: Check<StoreProbe> = {
  name: 'list',
  needs: ['credentials', 'bucket', 'region'],
  async run(probe) {
    const query = { 'list-type': '2', prefix: probe.folder }
    const answer = await probe.request({ method: 'GET', query })
    if (answer.status === 200 && answer.text.includes('<ListBucketResult')) return ok('Keys are listed.')
    if (answer.status === 200)
      return failed(
        'The answer to a listing is no listing.',
        'Is this an S3 endpoint? Correct storage.s3.endpoint, and storage.s3.forcePathStyle.',
      )
    return failed(`Listing is answered ${said(answer)}.`, fixFor(answer, 's3:ListBucket', 'list'))
  },
}

/** Begun, one part, listed, completed; and another begun and aborted. */
export const multipart: Check<StoreProbe> = {
  name: 'multipart',
  needs: ['put'],
  async run(probe) {
    const key = probe.key('multipart')
    const begin = () => probe.request({ method: 'POST', key, query: { uploads: '' } })
    const started = await begin()
    const uploadId = uploadIdOf(started.text)
    if (uploadId === undefined) {
      return failed(
        `Beginning a multipart upload is answered ${said(started)}.`,
        fixFor(started, 's3:PutObject', 'write'),
      )
    }
    const part = await probe.request({ method: 'PUT', key, query: { partNumber: '1', uploadId }, body: probeBody })
    const etag = part.headers.etag
    const abort = () => probe.request({ method: 'DELETE', key, query: { uploadId } })
    if (part.status !== 200 || etag === undefined) {
      await abort()
      return failed(`A part is answered ${said(part)}.`, fixFor(part, 's3:PutObject', 'write'))
    }
    const listed = await probe.request({ method: 'GET', key, query: { uploadId } })
    const xml = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`
    const completed = await probe.request({ method: 'POST', key, query: { uploadId }, body: Buffer.from(xml) })
    if (completed.status !== 200 || completed.text.includes('<Error>')) {
      await abort()
      return failed(`Completing is answered ${said(completed)}.`, fixFor(completed, 's3:PutObject', 'write'))
    }
    const other = uploadIdOf((await begin()).text) ?? ''
    const aborted = await probe.request({ method: 'DELETE', key, query: { uploadId: other } })
    if (aborted.status >= 300) {
      return failed(
        `Aborting is answered ${said(aborted)}: parts stay and cost.`,
        fixFor(aborted, 's3:AbortMultipartUpload', 'abort'),
      )
    }
    if (listed.status === 200) return ok('Multipart uploads are begun, listed, completed and aborted.')
    return failed(
      `Listing parts is answered ${said(listed)}: uploads cannot be resumed.`,
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
        `Deleting is answered ${said(answer)}: what expires stays and costs.`,
        fixFor(answer, 's3:DeleteObject', 'delete'),
      )
    }
    const after = await probe.request({ method: 'HEAD', key })
    if (after.status === 404) return ok('Objects can be deleted.')
    return failed(
      `A deleted object is still answered ${after.status}.`,
      'Look for an object lock or a cache in front of the store.',
    )
  },
}
