/** Form uploads, bounded in every field: key, type and checksum by value, the file by a range of lengths. */
import { createPostForm } from '../../sigv4/post-form.ts'
import type { Presigner } from '../driver.ts'
import { assertExpiresIn, assertKey } from '../rules.ts'
import { signing, type PresignerOptions } from './presigner.ts'

export function createPostPresigner(o: PresignerOptions): Pick<Presigner, 'presignPost'> {
  return {
    async presignPost(ref, { expiresIn, contentType, minBytes, maxBytes, checksum }) {
      assertKey(ref)
      assertExpiresIn(expiresIn)
      const fields = {
        ...(contentType !== undefined && { 'Content-Type': contentType }),
        ...(checksum && { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value }),
      }
      const contentLengthRange = { min: minBytes, max: maxBytes }
      const form = signing(o, (by) => createPostForm({ ...ref, ...by, expiresIn, fields, contentLengthRange }))
      return { method: 'POST', expiresIn, ...form }
    },
  }
}
