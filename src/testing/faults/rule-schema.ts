/** Checks a fault rule from outside. Its fields are described in `rule.ts` and docs/faults.md. */
import { z } from 'zod'
import { duration } from '../../config/values.ts'
import type { Rule } from './rule.ts'

const names = z.union([z.string(), z.array(z.string()).min(1)])
const count = z.int().min(0)
const seconds = duration
/** Bytes of the body, or a percentage of its declared length. */
const offset = z.union([
  z.int().min(0),
  z.string().regex(/^(100|\d{1,2})%$/, 'Write bytes (1024) or a percentage ("50%").'),
])
const place = z.union([z.enum(['request', 'headers']), offset])
const direction = z.enum(['upload', 'download'])

const matchSchema = z
  .strictObject({
    api: z.enum(['objects', 'api']),
    operation: names,
    method: names,
    bucket: z.string(),
    key: z.string(),
    presigned: z.boolean(),
    part: z.int().min(1),
    attempt: z.int().min(1),
    header: z.record(z.string(), z.string()),
    accessKey: z.string(),
  })
  .partial()

const whenSchema = z
  .strictObject({
    skip: count,
    times: z.int().min(1),
    probability: z.number().gt(0).max(1),
    rate: z.strictObject({
      limit: z.int().min(1),
      per: seconds.default(1),
      by: z.enum(['key', 'bucket', 'accessKey', 'server']).default('server'),
    }),
    for: seconds,
    after: z.strictObject({ operation: names, for: seconds }),
    per: z.enum(['request', 'connection']),
  })
  .partial()

const effectSchema = z
  .strictObject({
    error: z.strictObject({
      code: z.string().min(1),
      status: z.int().min(200).max(599).optional(),
      message: z.string().optional(),
      retryAfter: z.int().min(0).optional(),
      in200: z.boolean().optional(),
      at: offset.optional(),
    }),
    redirect: z.strictObject({ location: z.string().optional() }),
    stall: z.strictObject({ at: place.default('request'), for: seconds.optional(), of: direction.optional() }),
    reset: z.strictObject({ at: place.default('request'), of: direction.optional() }),
    truncate: z.strictObject({ at: offset }),
    corrupt: z.strictObject({ at: offset.default(0), of: direction.optional() }),
    dropHeaders: z.array(z.string()).min(1),
    stale: z.strictObject({ for: seconds }),
    forgetUpload: z.literal(true),
    skew: z.strictObject({ by: seconds, behind: z.boolean().optional() }),
    delay: z.strictObject({ ms: z.number().min(0), jitter: z.number().min(0).optional() }),
    bandwidth: z.strictObject({ up: z.int().min(1).optional(), down: z.int().min(1).optional() }),
  })
  .partial()
  .refine((effect) => Object.values(effect).some((value) => value !== undefined), 'An effect is missing.')
  .refine(
    (effect) => exclusive.filter((name) => effect[name] !== undefined).length <= 1,
    'A rule has one effect; only delay and bandwidth combine with another.',
  )

const exclusive = [
  'error',
  'redirect',
  'stall',
  'reset',
  'truncate',
  'corrupt',
  'stale',
  'forgetUpload',
  'skew',
] as const

const appliedFits = (rule: { applied: boolean; effect: z.infer<typeof effectSchema> }): boolean =>
  !rule.applied || rule.effect.error !== undefined || rule.effect.reset !== undefined || rule.effect.stall !== undefined

const ruleSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[\w.-]{1,64}$/)
      .optional(),
    match: matchSchema.default({}),
    when: whenSchema.default({}),
    applied: z.boolean().default(false),
    effect: effectSchema,
  })
  .refine(appliedFits, '`applied: true` goes with error, reset or stall.')

type ParsedRule = Pick<Rule, 'match' | 'when' | 'applied' | 'effect'> & { id?: string | undefined }

/** Problems of a rule as one sentence per field. */
export function parseRule(input: unknown): { rule: ParsedRule } | { problem: string } {
  const parsed = ruleSchema.safeParse(input)
  if (parsed.success) return { rule: parsed.data }
  const problems = parsed.error.issues.map(({ path, message }) => {
    const at = path.join('.')
    return at === '' ? message : `${at}: ${message}`
  })
  return { problem: `The fault rule is not valid. ${problems.join(' ')}` }
}
