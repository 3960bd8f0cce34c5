/** Form uploads: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html */
import { StorageError } from '../../errors.ts'
import { formatAmzDate } from '../../sigv4/amz-date.ts'
import { signingKey } from '../../sigv4/signing-key.ts'
import { algorithm, formatScope, hmacHex } from '../../sigv4/string-to-sign.ts'
import type { Presigner } from '../driver.ts'
import { assertExpiresIn, type PresignerOptions } from './presigner.ts'
import { assertKey } from './rules.ts'

/** The form is bounded in every field: key, type, checksum by value, the file by its range of lengths. */
export function createPostPresigner(o: PresignerOptions): Pick<Presigner, 'presignPost'> {
  return {
    async presignPost(ref, { expiresIn, contentType, minBytes, maxBytes, checksum }) {
      assertKey(ref)
      assertExpiresIn(expiresIn)
      if (!(Number.isSafeInteger(minBytes) && Number.isSafeInteger(maxBytes) && 0 <= minBytes && minBytes <= maxBytes))
        throw new StorageError('InvalidArgument', { message: 'minBytes and maxBytes are no range of lengths.' })
      const now = o.now()
      const second = Math.floor(now.getTime() / 1000)
      const expiresAt = new Date((second + expiresIn) * 1000)
      const amzDate = formatAmzDate(now)
      const scope = { date: amzDate.slice(0, 8), region: o.region, service: 's3' } as const
      const bound = {
        key: ref.key,
        ...(contentType !== undefined && { 'Content-Type': contentType }),
        ...(checksum && { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value }),
        'x-amz-algorithm': algorithm,
        'x-amz-credential': `${o.credentials.accessKeyId}/${formatScope(scope)}`,
        'x-amz-date': amzDate,
      }
      const conditions = [
        { bucket: ref.bucket },
        ...Object.entries(bound).map(([name, value]) => ({ [name]: value })),
        ['content-length-range', minBytes, maxBytes],
      ]
      const policy = Buffer.from(JSON.stringify({ expiration: expiresAt.toISOString(), conditions })).toString('base64')
      const signature = hmacHex(signingKey(o.credentials.secretAccessKey, scope), policy)
      const url = `${o.publicUrl().replace(/\/+$/, '')}/${ref.bucket}`
      return { method: 'POST', url, fields: { ...bound, policy, 'x-amz-signature': signature }, expiresIn, expiresAt }
    },
  }
}
