/** The supported condition keys and their values for a request. */
import type { IncomingMessage } from 'node:http'
import { createClientIp, createTrustedPeer } from '../../http/client-ip.ts'
import { StorageError } from '../../errors.ts'
import type { S3Action } from '../actions.ts'
import type { Principal, Requester } from '../context.ts'
import { parseCopySource } from '../copy-source.ts'

/** undefined if the request has no such key. */
export type ConditionKeys = (name: string) => readonly string[] | undefined

export type Tags = { existing?: Record<string, string>; requested?: Record<string, string> }

/**
 * Headers, and the actions that they belong to
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html). Other actions ignore the
 * header, so a client must not choose its value there.
 */
const ofAcl: readonly S3Action[] = [
  's3:CreateBucket',
  's3:PutBucketAcl',
  's3:PutObject',
  's3:PutObjectAcl',
  's3:PutObjectVersionAcl',
]
const ofWrite: readonly S3Action[] = ['s3:PutObject']
const headerKeys: Record<string, readonly S3Action[] | 'every action'> = {
  'x-amz-acl': ofAcl,
  'x-amz-content-sha256': 'every action',
  'x-amz-copy-source': ofWrite,
  'x-amz-grant-full-control': ofAcl,
  'x-amz-grant-read': ofAcl,
  'x-amz-grant-read-acp': ofAcl,
  'x-amz-grant-write': ofAcl,
  'x-amz-grant-write-acp': ofAcl,
  'x-amz-metadata-directive': ofWrite,
  'x-amz-server-side-encryption': ofWrite,
  'x-amz-server-side-encryption-aws-kms-key-id': ofWrite,
  'x-amz-server-side-encryption-customer-algorithm': ofWrite,
  'x-amz-storage-class': ['s3:PutObject', 's3:PutObjectAcl', 's3:PutObjectVersionAcl'],
  'x-amz-website-redirect-location': ofWrite,
}
/** Headers of CreateMultipartUpload that describe the object. Later requests of the upload do not repeat them. */
export const headersOfUpload: readonly string[] = Object.keys(headerKeys).filter(
  (name) => !['x-amz-content-sha256', 'x-amz-copy-source', 'x-amz-metadata-directive'].includes(name),
)
/** Parameters of lists. An empty parameter counts as absent. */
const queryKeys = ['prefix', 'delimiter', 'max-keys']
const lists = new Set<S3Action>(['s3:ListBucket', 's3:ListBucketVersions', 's3:ListBucketMultipartUploads'])
const tagging = new Set<S3Action>(['s3:PutObject', 's3:PutObjectTagging', 's3:PutObjectVersionTagging'])
const otherKeys = [
  'aws:currenttime',
  'aws:epochtime',
  'aws:principaltype',
  'aws:referer',
  'aws:securetransport',
  'aws:sourceip',
  'aws:useragent',
  'aws:username',
  's3:authtype',
  's3:requestobjecttagkeys',
  's3:signatureversion',
]
const known = new Set([...otherKeys, ...[...Object.keys(headerKeys), ...queryKeys].map((name) => `s3:${name}`)])

const existingTag = 's3:existingobjecttag/'
const requestTag = 's3:requestobjecttag/'

/** `name` in lower case, except for the key of a tag. */
export const isConditionKey = (name: string): boolean =>
  known.has(name) || [existingTag, requestTag].some((prefix) => name.startsWith(prefix) && name !== prefix)

export const copySourceKey = 's3:x-amz-copy-source'
export const isListKey = (name: string): boolean => queryKeys.some((key) => name === `s3:${key}`)

export const usesExistingTags = (name: string): boolean => name.startsWith(existingTag)
export const usesRequestTags = (name: string): boolean => /^s3:requestobjecttag(keys$|\/)/.test(name)

/** Condition keys are case-insensitive, names of tags are not. */
export function normalKey(name: string): string {
  const slash = name.indexOf('/')
  return slash === -1 ? name.toLowerCase() : name.slice(0, slash).toLowerCase() + name.slice(slash)
}

export function createConditionKeys(o: {
  trustedProxies?: readonly string[] | undefined
  now: () => Date
}): (who: Requester, action: S3Action, tags: Tags) => ConditionKeys {
  const clientIp = createClientIp(o.trustedProxies ?? [])
  const isTrusted = createTrustedPeer(o.trustedProxies ?? [])

  /** Whether the request used TLS, to this server or to a trusted proxy. */
  function isSecure(req: IncomingMessage): boolean {
    if ('encrypted' in req.socket && req.socket.encrypted === true) return true
    const said = req.headers['x-forwarded-proto']
    return isTrusted(req) && String(said).split(',').at(-1)!.trim().toLowerCase() === 'https'
  }

  return (who, action, { existing = {}, requested = {} }) => {
    const sets = tagging.has(action) ? requested : {}
    return (name) => limited(name, valuesOf(name))

    function valuesOf(name: string): readonly string[] | undefined {
      const { principal, verified, headers, query, req } = who
      if (name.startsWith(existingTag)) return one(ownValue(existing, name.slice(existingTag.length)))
      if (name.startsWith(requestTag)) return one(ownValue(sets, name.slice(requestTag.length)))
      if (name.startsWith('s3:x-amz-') && name !== copySourceKey)
        return belongsTo(name.slice(3), action) ? one(headers.get(name.slice(3))) : undefined
      switch (name) {
        case copySourceKey:
          return action === 's3:PutObject' ? one(sourceOf(headers.get('x-amz-copy-source'))) : undefined
        case 's3:prefix':
        case 's3:delimiter':
        case 's3:max-keys':
          return lists.has(action) ? one(query.get(name.slice(3)) || undefined) : undefined
        case 's3:requestobjecttagkeys':
          return someOf(Object.keys(sets))
        case 's3:authtype':
          return one(authTypeOf(who))
        case 's3:signatureversion': {
          const version = (who.form ?? verified)?.version
          return one(version && (version === 2 ? 'AWS' : 'AWS4-HMAC-SHA256'))
        }
        case 'aws:sourceip':
          return [clientIp(req)]
        case 'aws:securetransport':
          return [String(isSecure(req))]
        case 'aws:useragent':
          return one(req.headers['user-agent'])
        case 'aws:referer':
          return one(req.headers.referer)
        case 'aws:currenttime':
          return [o.now().toISOString()]
        case 'aws:epochtime':
          return [String(Math.floor(o.now().getTime() / 1000))]
        case 'aws:username':
          return one(nameOf(principal))
        case 'aws:principaltype':
          return [principal.kind === 'key' ? 'User' : 'Anonymous']
        default:
          return undefined
      }
    }
  }
}

/** `bucket/key`, decoded. */
function sourceOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined
  const { bucket, key } = parseCopySource(header).ref
  return `${bucket}/${key}`
}

const belongsTo = (header: string, action: S3Action): boolean => {
  const of = headerKeys[header]
  return of === 'every action' || of?.includes(action) === true
}

function authTypeOf({ form, verified }: Requester): string | undefined {
  if (form !== undefined) return 'POST'
  return verified === null ? undefined : verified.via === 'query' ? 'REST-QUERY-STRING' : 'REST-HEADER'
}

/** Characters. Longer values are rejected, because matching them against many patterns is slow. */
const maxCompared = 4096

function limited(name: string, values: readonly string[] | undefined): readonly string[] | undefined {
  const long = values?.find((value) => value.length > maxCompared)
  if (long === undefined) return values
  throw new StorageError('AccessDenied', {
    message: `The bucket policy compares ${name}, whose value has ${long.length} characters. The limit is ${maxCompared}.`,
  })
}

const someOf = (values: readonly string[]): readonly string[] | undefined => (values.length === 0 ? undefined : values)
const one = (value: string | undefined): string[] | undefined => (value === undefined ? undefined : [value])
const nameOf = (principal: Principal): string | undefined => (principal.kind === 'key' ? principal.owner : undefined)
const ownValue = (tags: Record<string, string>, name: string): string | undefined =>
  Object.hasOwn(tags, name) ? tags[name] : undefined
