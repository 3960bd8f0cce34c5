import { StorageError } from '../../errors.ts'
import type { CorsRule } from '../../drivers/driver.ts'
import { answerEmpty, answerXml } from '../answer.ts'
import { bucketOf, type Operation } from '../context.ts'
import { readDocument } from '../document.ts'
import { isHeaderName } from '../object-headers.ts'
import { elements, malformed, parseXml, type XmlElement, type XmlNode } from '../xml.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html */
export const putBucketCors: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketCORS', { bucket })
  const document = parseXml(await readDocument(ctx, { digestRequired: true }), 'CORSConfiguration').allow({
    many: ['CORSRule'],
  })
  const rules = document.children('CORSRule').map(readRule)
  if (rules.length === 0 || rules.length > 100) throw malformed()
  await deps.store.setBucketCors(bucket, rules)
  answerEmpty(ctx, 200)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketCors.html */
export const getBucketCors: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketCORS', { bucket })
  const { cors } = await deps.store.headBucket(bucket)
  if (cors === null) {
    throw new StorageError('NoSuchCorsConfiguration', { details: { BucketName: bucket } })
  }
  answerXml(
    ctx,
    'CORSConfiguration',
    cors.map((rule): XmlElement => ['CORSRule', ruleElements(rule)]),
  )
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketCors.html */
export const deleteBucketCors: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketCORS', { bucket })
  await deps.store.setBucketCors(bucket, null)
  answerEmpty(ctx, 204)
}

const methods = new Set(['GET', 'PUT', 'HEAD', 'POST', 'DELETE'])

function readRule(node: XmlNode): CorsRule {
  node.allow({
    once: ['ID', 'MaxAgeSeconds'],
    many: ['AllowedMethod', 'AllowedOrigin', 'AllowedHeader', 'ExposeHeader'],
  })
  const texts = (name: string): string[] => node.children(name).map((child) => child.text().trim())
  const allowedMethods = texts('AllowedMethod')
  const allowedOrigins = texts('AllowedOrigin')
  const allowedHeaders = texts('AllowedHeader')
  const exposeHeaders = texts('ExposeHeader')
  const id = node.textOf('ID')
  const maxAge = node.textOf('MaxAgeSeconds')?.trim()
  if (allowedMethods.length === 0 || allowedOrigins.length === 0) throw malformed()
  const unknown = allowedMethods.find((method) => !methods.has(method))
  if (unknown !== undefined) {
    throw new StorageError('InvalidRequest', {
      message: `Found unsupported HTTP method in CORS config. Unsupported method is ${unknown.slice(0, 40)}`,
    })
  }
  for (const pattern of [...allowedOrigins, ...allowedHeaders]) {
    if (pattern.split('*').length > 2) {
      throw new StorageError('InvalidRequest', {
        message: `${pattern.slice(0, 80)} can not have more than one wildcard.`,
      })
    }
  }
  for (const name of exposeHeaders) {
    // It becomes part of a header in every response.
    if (!isHeaderName(name)) {
      throw new StorageError('InvalidRequest', {
        message: `ExposeHeader "${name.slice(0, 80)}" is not a valid header name.`,
      })
    }
  }
  if (maxAge !== undefined && !/^-?\d{1,9}$/.test(maxAge)) throw malformed()
  return {
    allowedMethods,
    allowedOrigins,
    allowedHeaders,
    exposeHeaders,
    ...(id !== undefined && { id }),
    ...(maxAge !== undefined && { maxAgeSeconds: Number(maxAge) }),
  }
}

const ruleElements = (rule: CorsRule): XmlElement[] => [
  ...elements({ ID: rule.id }),
  ...rule.allowedMethods.map((method): XmlElement => ['AllowedMethod', method]),
  ...rule.allowedOrigins.map((origin): XmlElement => ['AllowedOrigin', origin]),
  ...rule.allowedHeaders.map((header): XmlElement => ['AllowedHeader', header]),
  ...elements({ MaxAgeSeconds: rule.maxAgeSeconds }),
  ...rule.exposeHeaders.map((header): XmlElement => ['ExposeHeader', header]),
]
