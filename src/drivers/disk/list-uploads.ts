import type { MultipartInfo, MultipartStore } from '../driver.ts'
import type { DiskContext } from './context.ts'
import { checkMax } from './list-objects.ts'
import { checksumFacts } from './multipart-uploads.ts'
import { commonPrefixOf, skipScan } from './skip-scan.ts'
import { compareText, textAfter } from './text-order.ts'
import { initiatorOf, storageClassOf, type UploadRow } from './upload-rows.ts'

/** Greater than every upload id, so all uploads of a key without an id marker are skipped. */
const afterAllIds = '~'

export function createUploadListing(ctx: DiskContext): Pick<MultipartStore, 'listMultipartUploads'> {
  return {
    async listMultipartUploads(o) {
      ctx.buckets.demand(o.bucket)
      const { prefix = '', delimiter = '' } = o
      const max = checkMax(o.maxUploads)
      const below = textAfter(prefix)
      const start = startOf(o, prefix, delimiter)
      const page = skipScan<UploadRow>({
        prefix,
        delimiter,
        max,
        from: start.key,
        // Rows after (key, '') are all uploads of the key, because no id is empty.
        seek: (key) => ctx.uploads.iterate(o.bucket, key, key === start.key ? start.id : '', below, max + 1),
      })
      const { isTruncated, last, commonPrefixes } = page
      const marker =
        last && ('row' in last ? { key: last.row.key, id: last.row.id } : { key: last.commonPrefix, id: '' })
      return {
        uploads: page.rows.map(toInfo),
        commonPrefixes,
        isTruncated,
        ...(isTruncated && marker && { nextKeyMarker: marker.key, nextUploadIdMarker: marker.id }),
      }
    },
  }
}

function startOf(
  o: { keyMarker?: string; uploadIdMarker?: string },
  prefix: string,
  delimiter: string,
): { key: string | Buffer; id: string } {
  const { keyMarker = '', uploadIdMarker = '' } = o
  if (keyMarker === '' || compareText(keyMarker, prefix) < 0) return { key: prefix, id: '' }
  const passed = keyMarker.startsWith(prefix) && commonPrefixOf(keyMarker, prefix, delimiter) === keyMarker
  if (passed) return { key: textAfter(keyMarker), id: '' }
  return { key: keyMarker, id: uploadIdMarker === '' ? afterAllIds : uploadIdMarker }
}

const toInfo = (row: UploadRow): MultipartInfo => ({
  key: row.key,
  uploadId: row.id,
  initiated: new Date(row.initiated_at),
  ...checksumFacts(row),
  ...storageClassOf(row),
  ...initiatorOf(row),
})
