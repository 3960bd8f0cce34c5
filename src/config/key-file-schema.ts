/** The content of `keys.json`, and what `postern keys create` accepts. */
import { z } from 'zod'
import { configSchema } from './schema.ts'
import { gatewayOwner } from '../gateway-names.ts'

const configured = configSchema.shape.keys.element.shape
/** Same rule as in the configuration. */
export const accessKeyIdSchema = configured.accessKeyId
export const ownerSchema = configured.owner
  .refine((owner) => owner !== gatewayOwner, `"${gatewayOwner}" is the gateway itself. Choose another owner.`)
  .regex(/^[^\p{Cc}]{1,256}$/u, 'expects 1 to 256 characters without control characters')

export const storedKeySchema = z.object({
  accessKeyId: accessKeyIdSchema,
  secretAccessKey: z.string().min(16),
  owner: ownerSchema,
  createdAt: z.iso.datetime(),
  /** When the key expires. Null if it does not. */
  validUntil: z.iso.datetime().nullable(),
})
export const keyFileSchema = z.object({ version: z.literal(1), keys: z.array(storedKeySchema) })
