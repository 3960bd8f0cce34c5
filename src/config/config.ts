/** The configuration as the gateway uses it. Not `z.infer`, because the public types must not depend on zod. */
import { configSchema } from './schema.ts'

const parse = (value: unknown) => configSchema.parse(value)

/** Sizes are bytes, durations are seconds. */
export type Config = ReturnType<typeof parse>

export type ListenAddress = Config['server']['listen']
