/** Bodies of the multipart routes. What they share with the other routes is checked in the same way. */
import { z } from 'zod'
import { confirmInput, renewInput, uploadInput } from './input.ts'

/** URLs that one call may ask for. */
const maxUrls = 1000
/** S3's own limit, on both drivers. */
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
    etag: z
      .string({ error: 'expects the ETag with which the store answered' })
      .min(1, 'is empty')
      .max(256, 'is too long'),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'expects { "partNumber": 1, "etag": "…" }') },
)
const partsText = 'expects the parts to join, or no such field for all that the store has'

export const completeInput = confirmInput.omit({ id: true, key: true }).extend({
  parts: z.array(part, { error: partsText }).min(1, partsText).max(maxParts, 'expects at most 10000').optional(),
})
