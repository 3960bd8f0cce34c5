/** Validates bodies of the multipart routes. */
import { z } from 'zod'
import { confirmInput, renewInput, uploadInput } from './input.ts'

/** URLs per call. */
const maxUrls = 1000
/** S3's limit, applied to both drivers. */
const maxParts = 10_000

const partNumberText = `expects part numbers from 1 to ${maxParts}`
const partNumber = z.int(partNumberText).min(1, partNumberText).max(maxParts, partNumberText)
const partNumbersText = `expects 1 to ${maxUrls} part numbers`
const partSizeText = 'expects whole bytes, 1 or more'

export const beginMultipartInput = uploadInput
  .omit({ method: true, writeOnce: true })
  .extend({ partSize: z.int(partSizeText).min(1, partSizeText).optional() })

export const issuePartsInput = renewInput.extend({
  partNumbers: z.array(partNumber, { error: partNumbersText }).min(1, partNumbersText).max(maxUrls, partNumbersText),
})

const part = z.strictObject(
  {
    partNumber,
    etag: z.string({ error: 'expects the ETag that the store returned' }).min(1, 'is empty').max(256, 'is too long'),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'expects { "partNumber": 1, "etag": "…" }') },
)
const partsText = 'expects the parts to join. Leave it out to join all stored parts'

export const completeInput = confirmInput.omit({ id: true, key: true }).extend({
  parts: z.array(part, { error: partsText }).min(1, partsText).max(maxParts, 'is over the limit of 10000').optional(),
})
