import { answerXml } from '../answer.ts'
import type { Operation } from '../context.ts'
import { nonEmpty, ownerElement, readCount } from '../listing.ts'
import { elements, type XmlElement } from '../xml.ts'

/**
 * The principal's own buckets. None for an anonymous request.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
 */
export const listBuckets: Operation = async (ctx, deps) => {
  const max = readCount(ctx, 'max-buckets', { least: 1, most: 10_000 })
  const prefix = nonEmpty(ctx, 'prefix')
  const after = nonEmpty(ctx, 'continuation-token')
  const paged = ctx.query.has('max-buckets')
  const owner = ctx.principal.kind === 'key' ? ctx.principal.owner : 'anonymous'
  const found =
    ctx.principal.kind === 'anonymous'
      ? []
      : await deps.store.listBuckets({
          owner,
          max: max + 1,
          ...(prefix !== undefined && { prefix }),
          ...(after !== undefined && { after }),
        })
  const buckets = found.slice(0, max)
  const more = paged && found.length > max
  answerXml(ctx, 'ListAllMyBucketsResult', [
    ['Owner', ownerElement(owner)],
    [
      'Buckets',
      buckets.map(({ bucket, createdAt }): XmlElement => [
        'Bucket',
        [
          ['Name', bucket],
          ['CreationDate', createdAt.toISOString()],
          ['BucketRegion', deps.region],
        ],
      ]),
    ],
    ...elements({ ContinuationToken: more ? buckets.at(-1)?.bucket : undefined, Prefix: prefix }),
  ])
}
