import { failed, ok, type Check } from '../check.ts'
import { fixFor, probeBody } from './put.ts'
import { said, type StoreProbe } from './store-probe.ts'

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
