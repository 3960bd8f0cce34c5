/**
 * Creates the form of a POST Object with the same fields and policy as @aws-sdk/s3-presigned-post. Names as in AWS's
 * guide.
 */
import { formatAmzDate } from './amz-date.ts'
import { assertKey, resolveTarget } from './endpoint.ts'
import { checkExpiresIn } from './presign.ts'
import { signingKey } from './signing-key.ts'
import { algorithm, formatScope, hmacHex } from './string-to-sign.ts'
import type { SigningCredentials } from './types.ts'

export type PostFormOptions = {
  /** Base URL. May have a path prefix. */
  endpoint: string
  bucket: string
  /** May end with `${filename}`, which the store replaces. */
  key: string
  pathStyle: boolean
  /** Fields that the form must contain with these exact values, e.g. `{ 'Content-Type': 'image/png' }`. */
  fields?: Readonly<Record<string, string>>
  /** Additional conditions in policy notation. */
  conditions?: readonly (Readonly<Record<string, string>> | readonly [string, ...(string | number)[]])[]
  /** Bytes. Both bounds are inclusive. */
  contentLengthRange?: { min: number; max: number }
  credentials: SigningCredentials
  region: string
  /** Seconds, 1 to 604800. */
  expiresIn: number
  now: Date
}

export type PostForm = {
  url: string
  /** In sending order. The field `file` comes last. */
  fields: Record<string, string>
  expiresAt: Date
}

const ownFields = new Set([
  'key',
  'policy',
  'file',
  'bucket',
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-signature',
  'x-amz-security-token',
])

export function createPostForm(o: PostFormOptions): PostForm {
  checkExpiresIn(o.expiresIn)
  assertKey(o.key)
  for (const name in o.fields) {
    if (ownFields.has(name.toLowerCase())) throw new TypeError(`the field ${name} is set by the form itself`)
  }
  const amzDate = formatAmzDate(o.now)
  const scope = { date: amzDate.slice(0, 8), region: o.region, service: 's3' } as const
  const expiresAt = new Date((Math.floor(o.now.getTime() / 1000) + o.expiresIn) * 1000)
  const signed: Record<string, string> = {
    ...o.fields,
    'x-amz-algorithm': algorithm,
    'x-amz-credential': `${o.credentials.accessKeyId}/${formatScope(scope)}`,
    'x-amz-date': amzDate,
    ...(o.credentials.sessionToken ? { 'x-amz-security-token': o.credentials.sessionToken } : {}),
  }
  const policy = Buffer.from(
    JSON.stringify({
      expiration: `${expiresAt.toISOString().slice(0, -5)}Z`,
      conditions: [
        ...(o.conditions ?? []),
        ...(o.contentLengthRange ? [rangeCondition(o.contentLengthRange)] : []),
        { bucket: o.bucket },
        keyCondition(o.key),
        ...Object.entries(signed).map(([name, value]) => ({ [name]: value })),
      ],
    }),
  ).toString('base64')
  const target = resolveTarget(o)
  return {
    url: target.origin + (o.pathStyle ? target.basePath.slice(0, -1) : target.basePath),
    fields: {
      key: o.key,
      ...signed,
      policy,
      'x-amz-signature': hmacHex(signingKey(o.credentials.secretAccessKey, scope), policy),
    },
    expiresAt,
  }
}

const placeholder = '${filename}'

const keyCondition = (key: string): Record<string, string> | string[] =>
  key.endsWith(placeholder) ? ['starts-with', '$key', key.slice(0, -placeholder.length)] : { key }

function rangeCondition({ min, max }: { min: number; max: number }): [string, number, number] {
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min < 0 || max < min) {
    throw new RangeError('a content-length-range needs two whole numbers, the smaller one first')
  }
  return ['content-length-range', min, max]
}
