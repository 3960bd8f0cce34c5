/** Form uploads, for stores that support them. */
import type { Presigner } from '../driver.ts'
import { StorageError } from '../../errors.ts'
import { createPostForm } from '../../sigv4/post-form.ts'
import { formFields, signAsAsked } from '../presign-requests.ts'
import { sdkAlgorithm } from './object-head.ts'
import { capExpiry } from './presigner.ts'
import { assertExpiresIn } from '../rules.ts'
import type { S3Deps } from './s3-deps.ts'

export function postPresigner({ settings, connection, keys }: S3Deps): Pick<Presigner, 'presignPost'> {
  const { preset, publicEndpoint, provider } = settings
  return {
    async presignPost(ref, o) {
      const key = keys.of(ref)
      assertExpiresIn(o.expiresIn)
      if (publicEndpoint === null || !preset.capabilities.includes('presign-post')) {
        throw new StorageError('NotSupported', {
          message:
            `The store does not support form uploads (storage.s3.provider: ${provider}). Send method "PUT". If the check "post" of ` +
            'postern doctor succeeds, set storage.s3.provider to match the store, or set storage.delivery: proxied.',
        })
      }
      if (o.checksum && !preset.capabilities.includes('signed-checksum')) {
        throw new StorageError('NotSupported', { message: "The bucket's store is not known to verify checksums." })
      }
      if (o.checksum) sdkAlgorithm(o.checksum.algorithm, preset)
      const credentials = await connection.credentials()
      const now = settings.now()
      const expiresIn = capExpiry(o.expiresIn, now, credentials)
      const by = { endpoint: publicEndpoint, pathStyle: settings.pathStyle, region: settings.region, credentials, now }
      const fields = formFields(o)
      const contentLengthRange = { min: o.minBytes, max: o.maxBytes }
      const form = signAsAsked(
        () => createPostForm({ ...by, bucket: ref.bucket, key, expiresIn, fields, contentLengthRange }),
        'form',
      )
      return { method: 'POST', expiresIn, ...form }
    },
  }
}
