import type { BucketConfiguration } from '../../../drivers/driver.ts'
import { answerEmpty, answerXml } from '../../answer.ts'
import { bucketOf, type Operation } from '../../context.ts'
import { readDocument } from '../../document.ts'
import { retentionMode } from '../../object-lock.ts'
import { S3Error } from '../../s3-error.ts'
import { elements, malformed, parseXml, type XmlNode } from '../../xml.ts'

type Configuration = NonNullable<BucketConfiguration['objectLock']>

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html */
export const getObjectLockConfiguration: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:GetBucketObjectLockConfiguration', { bucket })
  const { objectLock } = (await deps.store.headBucket(bucket)).configuration
  if (objectLock === undefined) {
    throw new S3Error(
      'ObjectLockConfigurationNotFoundError',
      'Object Lock configuration does not exist for this bucket',
      { BucketName: bucket },
    )
  }
  const { defaultRetention: given } = objectLock
  answerXml(
    ctx,
    'ObjectLockConfiguration',
    elements({
      ObjectLockEnabled: 'Enabled',
      Rule: given && [['DefaultRetention', elements({ Mode: given.mode, Days: given.days, Years: given.years })]],
    }),
  )
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html */
export const putObjectLockConfiguration: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  await deps.access.allow(ctx, 's3:PutBucketObjectLockConfiguration', { bucket })
  const document = parseXml(await readDocument(ctx, { digestRequired: true }), 'ObjectLockConfiguration').allow({
    once: ['ObjectLockEnabled', 'Rule'],
  })
  if (document.textOf('ObjectLockEnabled')?.trim() !== 'Enabled') throw malformed()
  const rule = document.child('Rule')
  await deps.store.configureBucket(bucket, { objectLock: rule ? { defaultRetention: readDefault(rule) } : {} })
  answerEmpty(ctx, 200)
}

function readDefault(rule: XmlNode): Configuration['defaultRetention'] & object {
  const node = rule
    .allow({ once: ['DefaultRetention'] })
    .child('DefaultRetention')
    ?.allow({ once: ['Mode', 'Days', 'Years', 'DefaultEventHold'] })
  if (node?.child('DefaultEventHold')) throw new S3Error('NotImplemented', 'DefaultEventHold is not implemented.')
  const mode = retentionMode(node?.textOf('Mode'))
  const days = node?.textOf('Days')?.trim()
  const years = node?.textOf('Years')?.trim()
  if (mode === undefined || (days === undefined) === (years === undefined)) throw malformed()
  return days === undefined ? { mode, years: period(years!, 100) } : { mode, days: period(days, 36_500) }
}

function period(text: string, most: number): number {
  const value = /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(value)) throw malformed()
  if (value >= 1 && value <= most) return value
  throw new S3Error('InvalidRetentionPeriod', 'Default retention period must be a positive integer value.')
}
