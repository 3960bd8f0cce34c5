/** Form uploads with every field restricted: key, type and checksum to a value, the file to a range of lengths. */
import { createPostForm } from '../../sigv4/post-form.ts'
import type { Presigner } from '../driver.ts'
import { formFields } from '../presign-requests.ts'
import { assertExpiresIn, assertKey } from '../rules.ts'
import { signing, type PresignerOptions } from './presigner.ts'

export function createPostPresigner(o: PresignerOptions): Pick<Presigner, 'presignPost'> {
  return {
    async presignPost(ref, { expiresIn, minBytes, maxBytes, ...bound }) {
      assertKey(ref)
      assertExpiresIn(expiresIn)
      const fields = formFields(bound)
      const contentLengthRange = { min: minBytes, max: maxBytes }
      const form = signing(o, (by) => createPostForm({ ...ref, ...by, expiresIn, fields, contentLengthRange }))
      return { method: 'POST', expiresIn, ...form }
    },
  }
}
