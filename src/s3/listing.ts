/** Shared code of the list operations. */
import { StorageError } from '../errors.ts'
import type { ListedObject } from '../drivers/driver.ts'
import { encodePath } from '../sigv4/encode.ts'
import { quoted } from './answer.ts'
import { bucketOf, type OperationDeps, type S3Context } from './context.ts'
import { elements, type XmlContent, type XmlElement } from './xml.ts'

const largestPage = 1000

const refuse = (name: string, value: string, message: string): StorageError =>
  new StorageError('InvalidArgument', {
    message,
    details: { ArgumentName: name, ArgumentValue: value.slice(0, 80) },
  })

export type CountLimits = { most?: number; least?: number }

/** A page size from the query. Absent or empty means the maximum, and larger values are capped. */
export const readCount = (ctx: S3Context, name: string, o: CountLimits = {}): number =>
  countOf(name, ctx.query.get(name), o)

export function countOf(name: string, text: string | undefined, o: CountLimits = {}): number {
  const { most = largestPage, least = 0 } = o
  if (text === undefined || text === '') return most
  const count = /^\d{1,10}$/.test(text) ? Number(text) : -1
  if (count < least || count > 2_147_483_647) {
    throw refuse(name, text, `Argument ${name} must be an integer between ${least} and 2147483647`)
  }
  return Math.min(count, most)
}

export type NameEncoder = { type: 'url' | undefined; encode: (name: string) => string }

/** `encoding-type=url`: percent-encoded names, for keys that XML 1.0 cannot represent. */
function readEncoding(ctx: S3Context): NameEncoder {
  const type = ctx.query.get('encoding-type')
  if (type === undefined || type === '') return { type: undefined, encode: (name) => name }
  if (type !== 'url') throw refuse('encoding-type', type, 'Invalid Encoding Method specified in Request')
  return { type: 'url', encode: encodePath }
}

/** A parameter, or undefined if it is absent or empty. */
export function nonEmpty(ctx: S3Context, name: string): string | undefined {
  return ctx.query.get(name) || undefined
}

export type ListInput = {
  bucket: string
  names: NameEncoder
  /** The maximum number of entries of a page. */
  most: number
  prefix: string
  delimiter: string | undefined
}

/** The parameters of every list request. `count` names the page size parameter. */
export const readList = (ctx: S3Context, count: 'max-keys' | 'max-uploads'): ListInput => ({
  bucket: bucketOf(ctx),
  names: readEncoding(ctx),
  most: readCount(ctx, count),
  prefix: ctx.query.get('prefix') ?? '',
  delimiter: nonEmpty(ctx, 'delimiter'),
})

/** The owner of a bucket owns every object in it. */
export async function ownerOf(bucket: string, deps: OperationDeps): Promise<string> {
  return bucket === deps.gatewayBucket ? deps.gatewayOwner : (await deps.store.headBucket(bucket)).owner
}

export const ownerElement = (owner: string): XmlElement[] => [
  ['ID', owner],
  ['DisplayName', owner],
]

export function objectElements(object: ListedObject, names: NameEncoder, owner: string | undefined): XmlElement[] {
  const { checksum } = object
  return elements({
    Key: names.encode(object.key),
    LastModified: object.lastModified.toISOString(),
    ETag: quoted(object.etag),
    ChecksumAlgorithm: checksum?.algorithm.toUpperCase(),
    ChecksumType: checksum && (checksum.type ?? 'FULL_OBJECT'),
    Size: object.contentLength,
    Owner: owner === undefined ? undefined : ownerElement(owner),
    StorageClass: object.storageClass ?? 'STANDARD',
  })
}

export const prefixElements = (prefixes: readonly string[], names: NameEncoder): XmlElement[] =>
  prefixes.map((prefix) => ['CommonPrefixes', [['Prefix', names.encode(prefix)]] satisfies XmlContent])
