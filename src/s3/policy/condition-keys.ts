/** The condition keys that are evaluated, and what they are for one request. */
import type { IncomingMessage } from 'node:http'
import { createClientIp, createTrustedPeer } from '../../http/client-ip.ts'
import type { Principal, S3Context } from '../context.ts'

export type Requester = Pick<S3Context, 'principal' | 'verified' | 'headers' | 'query' | 'req'> & {
  /** The tags that the request would set, where they are not in x-amz-tagging. */
  requestTags?: () => Promise<Record<string, string>>
}

/** Undefined: the request has no such key. */
export type ConditionKeys = (name: string) => readonly string[] | undefined

export type Tags = { existing?: Record<string, string>; requested?: Record<string, string> }

const headerKeys = [
  'x-amz-acl',
  'x-amz-content-sha256',
  'x-amz-copy-source',
  'x-amz-grant-full-control',
  'x-amz-grant-read',
  'x-amz-grant-read-acp',
  'x-amz-grant-write',
  'x-amz-grant-write-acp',
  'x-amz-metadata-directive',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-storage-class',
  'x-amz-website-redirect-location',
]
const queryKeys = ['prefix', 'delimiter', 'max-keys']
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
const known = new Set([...otherKeys, ...[...headerKeys, ...queryKeys].map((name) => `s3:${name}`)])

const existingTag = 's3:existingobjecttag/'
const requestTag = 's3:requestobjecttag/'

/** `name` in lower case, except for the key of a tag. */
export const isConditionKey = (name: string): boolean =>
  known.has(name) || [existingTag, requestTag].some((prefix) => name.startsWith(prefix) && name !== prefix)

export const usesExistingTags = (name: string): boolean => name.startsWith(existingTag)
export const usesRequestTags = (name: string): boolean => /^s3:requestobjecttag(keys$|\/)/.test(name)

/** Condition keys are the same in any case; the names of tags are not. */
export function normalKey(name: string): string {
  const slash = name.indexOf('/')
  return slash === -1 ? name.toLowerCase() : name.slice(0, slash).toLowerCase() + name.slice(slash)
}

export function createConditionKeys(o: {
  trustedProxies?: readonly string[] | undefined
  now: () => Date
}): (who: Requester, tags: Tags) => ConditionKeys {
  const clientIp = createClientIp(o.trustedProxies ?? [])
  const isTrusted = createTrustedPeer(o.trustedProxies ?? [])

  /** By this server's own TLS, or as a trusted proxy says. */
  function isSecure(req: IncomingMessage): boolean {
    if ('encrypted' in req.socket && req.socket.encrypted === true) return true
    const said = req.headers['x-forwarded-proto']
    return isTrusted(req) && String(said).split(',').at(-1)!.trim().toLowerCase() === 'https'
  }

  return (who, { existing = {}, requested = {} }) =>
    (name) => {
      const { principal, verified, headers, query, req } = who
      if (name.startsWith(existingTag)) return one(ownValue(existing, name.slice(existingTag.length)))
      if (name.startsWith(requestTag)) return one(ownValue(requested, name.slice(requestTag.length)))
      if (name.startsWith('s3:x-amz-')) return one(headers.get(name.slice(3)))
      switch (name) {
        case 's3:prefix':
        case 's3:delimiter':
        case 's3:max-keys':
          return one(query.get(name.slice(3)))
        case 's3:requestobjecttagkeys':
          return Object.keys(requested)
        case 's3:authtype':
          return verified === null ? undefined : [verified.via === 'query' ? 'REST-QUERY-STRING' : 'REST-HEADER']
        case 's3:signatureversion':
          return verified === null ? undefined : [verified.version === 2 ? 'AWS' : 'AWS4-HMAC-SHA256']
        case 'aws:sourceip':
          return [clientIp(req)]
        case 'aws:securetransport':
          return [String(isSecure(req))]
        case 'aws:useragent':
          return one(headers.get('user-agent'))
        case 'aws:referer':
          return one(headers.get('referer'))
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

const one = (value: string | undefined): string[] | undefined => (value === undefined ? undefined : [value])
const nameOf = (principal: Principal): string | undefined => (principal.kind === 'key' ? principal.owner : undefined)
const ownValue = (tags: Record<string, string>, name: string): string | undefined =>
  Object.hasOwn(tags, name) ? tags[name] : undefined
