/** Responses of the Companion routes that Uppy calls. */
import { z } from 'zod'

const url = z.string().meta({ format: 'uri' })
const texts = z.record(z.string(), z.string())

export const uploadParams = z
  .strictObject({
    method: z.enum(['PUT', 'POST']),
    url,
    fields: texts,
    headers: texts.optional(),
    expires: z.int().optional(),
  })
  .meta({ id: 'UppyUploadParams' })

export const begunUppyMultipart = z
  .strictObject({ key: z.string(), uploadId: z.string(), bucket: z.string() })
  .meta({ id: 'UppyMultipart' })

export const signedPart = z
  .strictObject({ url, headers: texts, expires: z.int().optional() })
  .meta({ id: 'UppySignedPart' })

export const signedParts = z.strictObject({ presignedUrls: texts }).meta({ id: 'UppySignedParts' })

export const listedParts = z
  .array(z.strictObject({ PartNumber: z.int(), ETag: z.string(), Size: z.int() }))
  .meta({ id: 'UppyParts' })

export const joinedParts = z
  .strictObject({ location: z.string(), key: z.string(), bucket: z.string() })
  .meta({ id: 'UppyCompleted' })

export const nothing = z.strictObject({}).meta({ id: 'Nothing' })
