/** Headers for serving content, which is untrusted and displayed by browsers. */
import { StorageError } from '../errors.ts'
import { essenceOf } from '../media-type.ts'
import type { ObjectHead, ResponseOverrides } from '../drivers/driver.ts'
import { quoted, type AnswerHeaders } from './answer.ts'
import type { S3Context } from './context.ts'
import { lockHeaders } from './object-lock.ts'

const overrideOf = {
  'response-content-type': 'contentType',
  'response-content-language': 'contentLanguage',
  'response-expires': 'expires',
  'response-cache-control': 'cacheControl',
  'response-content-disposition': 'contentDisposition',
  'response-content-encoding': 'contentEncoding',
} as const satisfies Record<string, keyof ResponseOverrides>

// Characters that a header can carry: ISO-8859-1 without controls.
const headerText = /^[\t\x20-\x7e\xa0-\xff]*$/

/** The `response-*` parameters of a signed request. Throws InvalidRequest for an anonymous one. */
export function readOverrides(ctx: S3Context): ResponseOverrides {
  const overrides: ResponseOverrides = {}
  for (const [parameter, name] of Object.entries(overrideOf)) {
    const value = ctx.query.get(parameter)
    if (value === undefined) continue
    if (ctx.principal.kind === 'anonymous') {
      throw new StorageError('InvalidRequest', {
        message: 'Request specific response headers cannot be used for anonymous GET requests.',
      })
    }
    if (!headerText.test(value)) {
      throw new StorageError('InvalidArgument', {
        message: 'Header value cannot be represented using ISO-8859-1.',
        details: { ArgumentName: parameter },
      })
    }
    overrides[name] = value
  }
  return overrides
}

/**
 * Whatever its type, a document opened from here runs in a sandbox without an origin and loads nothing. So a signed
 * `response-content-type=text/html` changes only its appearance.
 */
const sandboxHeaders: AnswerHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'cross-origin',
}

export type ServingPolicy = {
  /** The content is shown to people other than its author: the gateway's bucket, and every anonymous read. */
  guarded: boolean
  inlineTypes: readonly string[]
}

export function servingHeaders(
  ctx: S3Context,
  head: ObjectHead,
  o: ResponseOverrides,
  policy: ServingPolicy,
): AnswerHeaders {
  const contentType = o.contentType ?? head.contentType ?? 'binary/octet-stream'
  return {
    ...sandboxHeaders,
    'accept-ranges': 'bytes',
    'content-type': contentType,
    'content-encoding': o.contentEncoding ?? head.contentEncoding,
    'content-language': o.contentLanguage ?? head.contentLanguage,
    'content-disposition': o.contentDisposition ?? disposition(head, contentType, policy),
    'cache-control': o.cacheControl ?? cacheControl(ctx, head, policy),
    expires: o.expires ?? head.expires,
    ...objectFacts(ctx, head),
  }
}

/**
 * The writer's own value applies to the writer's reads. For others only types on the inline list are displayed
 * inline.
 */
function disposition(head: ObjectHead, contentType: string, policy: ServingPolicy): string | undefined {
  const stored = head.contentDisposition
  if (!policy.guarded) return stored
  if (policy.inlineTypes.includes(essenceOf(contentType))) return stored
  return stored !== undefined && /^attachment\s*(;|$)/i.test(stored) ? stored : 'attachment'
}

/** A signed URL is secret, so shared caches must not store its response. */
function cacheControl(ctx: S3Context, head: ObjectHead, policy: ServingPolicy): string | undefined {
  const stored = head.cacheControl
  if (ctx.verified === null) return stored
  if (stored === undefined) return 'private'
  return policy.guarded && !/\b(private|no-store)\b/i.test(stored)
    ? `private, ${stored.replace(/\bpublic\b\s*,?\s*/gi, '')}`.replace(/,\s*$/, '')
    : stored
}

/** Headers about the object itself, the same for every range. */
export function objectFacts(ctx: S3Context, head: ObjectHead): AnswerHeaders {
  const facts: AnswerHeaders = {
    etag: quoted(head.etag),
    'last-modified': head.lastModified.toUTCString(),
    'x-amz-version-id': head.versionId,
    'x-amz-tagging-count': head.tagCount || undefined,
    'x-amz-storage-class': head.storageClass,
    // Readers of public objects do not need the retention.
    ...(ctx.principal.kind === 'key' && lockHeaders(head)),
  }
  for (const [name, value] of Object.entries(head.metadata ?? {})) facts[`x-amz-meta-${name}`] = value
  if (head.checksum && ctx.headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED') {
    facts[`x-amz-checksum-${head.checksum.algorithm}`] = head.checksum.value
    facts['x-amz-checksum-type'] = head.checksum.type ?? 'FULL_OBJECT'
  }
  return facts
}
