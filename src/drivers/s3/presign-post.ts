/** Form uploads, on stores that take them. */
import type { Presigner } from '../driver.ts'
import { StorageError } from '../../errors.ts'
import { createPostForm } from '../../sigv4/post-form.ts'
import { capExpiry } from './presigner.ts'
import { assertExpiresIn } from '../rules.ts'
import type { S3Deps } from './s3-deps.ts'

export function postPresigner({ settings, connection, keys }: S3Deps): Pick<Presigner, 'presignPost'> {
  const { preset, publicEndpoint } = settings
  return {
    async presignPost(ref, o) {
      const key = keys.of(ref)
      assertExpiresIn(o.expiresIn)
      if (publicEndpoint === null || !preset.capabilities.includes('presign-post')) {
        throw new StorageError('NotSupported', { message: "The bucket's store takes no uploads by form" })
      }
      if (o.checksum && !preset.capabilities.includes('signed-checksum')) {
        throw new StorageError('NotSupported', { message: "The bucket's store is not known to verify checksums" })
      }
      const credentials = await connection.credentials()
      const now = settings.now()
      const expiresIn = capExpiry(o.expiresIn, now, credentials)
      try {
        const { url, fields, expiresAt } = createPostForm({
          endpoint: publicEndpoint,
          bucket: ref.bucket,
          key,
          pathStyle: settings.pathStyle,
          fields: {
            ...(o.contentType === undefined ? {} : { 'Content-Type': o.contentType }),
            ...(o.checksum ? { [`x-amz-checksum-${o.checksum.algorithm}`]: o.checksum.value } : {}),
          },
          contentLengthRange: { min: o.minBytes, max: o.maxBytes },
          credentials,
          region: settings.region,
          expiresIn,
          now,
        })
        return { method: 'POST', url, fields, expiresIn, expiresAt }
      } catch (cause) {
        if (!(cause instanceof TypeError || cause instanceof RangeError)) throw cause
        throw new StorageError('InvalidArgument', { message: 'The form cannot be signed as asked.', cause })
      }
    },
  }
}
