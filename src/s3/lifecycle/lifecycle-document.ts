/**
 * Lifecycle configurations as documents
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html).
 */
import { randomUUID } from 'node:crypto'
import { StorageError } from '../../errors.ts'
import type { LifecycleFilter, LifecycleRule } from '../../drivers/driver.ts'
import { isoTime } from '../iso-time.ts'
import { S3Error } from '../s3-error.ts'
import { readTags, tagElements } from '../tag-set.ts'
import { elements, malformed, parseXml, type XmlElement, type XmlNode } from '../xml.ts'

const maxRules = 1000
const maxId = 255

/** Errors: MalformedXML, InvalidArgument, InvalidRequest, and NotImplemented for transitions. */
export function readLifecycle(document: Buffer): LifecycleRule[] {
  const nodes = parseXml(document, 'LifecycleConfiguration')
    .allow({ many: ['Rule'] })
    .children('Rule')
  if (nodes.length === 0 || nodes.length > maxRules) throw malformed()
  const rules = nodes.map(readRule)
  if (new Set(rules.map(({ id }) => id)).size < rules.length) {
    throw invalid('Rule ID must be unique. Found same ID for more than one rule')
  }
  return rules
}

function readRule(node: XmlNode): LifecycleRule {
  node.allow({
    once: [
      'ID',
      'Prefix',
      'Filter',
      'Status',
      'Expiration',
      'NoncurrentVersionExpiration',
      'AbortIncompleteMultipartUpload',
    ],
    many: ['Transition', 'NoncurrentVersionTransition'],
  })
  const id = node.textOf('ID') || randomUUID()
  if (id.length > maxId) throw invalid(`ID length should not exceed allowed limit of ${maxId}`)
  const status = node.textOf('Status')?.trim()
  if (status !== 'Enabled' && status !== 'Disabled') throw malformed()
  for (const name of ['Transition', 'NoncurrentVersionTransition']) {
    if (node.child(name)) throw new S3Error('NotImplemented', `${name} of a lifecycle rule is not implemented.`)
  }
  const rule: LifecycleRule = { id, isEnabled: status === 'Enabled', ...readFilter(node), ...readActions(node) }
  assertCombination(rule)
  return rule
}

function readFilter(node: XmlNode): Pick<LifecycleRule, 'filter' | 'form'> {
  const prefix = node.textOf('Prefix')
  const filter = node.child('Filter')
  if ((prefix === undefined) === (filter === undefined)) throw malformed()
  if (filter === undefined) return { filter: { prefix: prefix! }, form: 'prefix' }
  filter.allow({ once: ['Prefix', 'Tag', 'ObjectSizeGreaterThan', 'ObjectSizeLessThan', 'And'] })
  if (filter.names().length > 1) throw malformed()
  const and = filter.child('And')?.allow({
    once: ['Prefix', 'ObjectSizeGreaterThan', 'ObjectSizeLessThan'],
    many: ['Tag'],
  })
  if (and?.names().length === 0) throw malformed('And is empty.')
  return { filter: readCriteria(and ?? filter), form: and ? 'and' : 'filter' }
}

function readCriteria(node: XmlNode): LifecycleFilter {
  const prefix = node.textOf('Prefix')
  const tags = readTags(node.children('Tag'))
  const sizeAbove = sizeOf(node, 'ObjectSizeGreaterThan')
  const sizeBelow = sizeOf(node, 'ObjectSizeLessThan')
  if (sizeAbove !== undefined && sizeBelow !== undefined && sizeAbove >= sizeBelow) {
    throw new StorageError('InvalidRequest', {
      message: "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
    })
  }
  return {
    ...(prefix !== undefined && { prefix }),
    ...(Object.keys(tags).length > 0 && { tags: { ...tags } }),
    ...(sizeAbove !== undefined && { sizeAbove }),
    ...(sizeBelow !== undefined && { sizeBelow }),
  }
}

function sizeOf(node: XmlNode, name: string): number | undefined {
  const text = node.textOf(name)?.trim()
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw invalid(`'${name}' must be a whole number of bytes`)
}

function readActions(node: XmlNode): Pick<LifecycleRule, 'expiration' | 'noncurrent' | 'abortUploadsAfter'> {
  const expiration = node.child('Expiration')
  const noncurrent = node.child('NoncurrentVersionExpiration')
  const abort = node.child('AbortIncompleteMultipartUpload')?.allow({ once: ['DaysAfterInitiation'] })
  if (!expiration && !noncurrent && !abort) {
    throw new StorageError('InvalidRequest', { message: 'At least one action needs to be specified in a rule' })
  }
  return {
    ...(expiration && { expiration: readExpiration(expiration) }),
    ...(noncurrent && { noncurrent: readNoncurrent(noncurrent) }),
    ...(abort && {
      abortUploadsAfter: positive(abort, 'DaysAfterInitiation', 'AbortIncompleteMultipartUpload action'),
    }),
  }
}

function readExpiration(node: XmlNode): NonNullable<LifecycleRule['expiration']> {
  node.allow({ once: ['Days', 'Date', 'ExpiredObjectDeleteMarker'] })
  if (node.names().length !== 1) throw malformed()
  const marker = node.textOf('ExpiredObjectDeleteMarker')?.trim()
  if (marker !== undefined) {
    if (marker !== 'true' && marker !== 'false') throw malformed()
    return { deleteMarker: marker === 'true' }
  }
  const date = node.textOf('Date')?.trim()
  if (date === undefined) return { days: positive(node, 'Days', 'Expiration action') }
  return { date: midnight(date) }
}

function midnight(text: string): string {
  const time = isoTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text)
  if (time === undefined) throw malformed()
  if (time % 86_400_000 !== 0) throw invalid("'Date' must be at midnight GMT")
  return new Date(time).toISOString()
}

function readNoncurrent(node: XmlNode): NonNullable<LifecycleRule['noncurrent']> {
  node.allow({ once: ['NoncurrentDays', 'NewerNoncurrentVersions'] })
  const days = positive(node, 'NoncurrentDays', 'NoncurrentVersionExpiration action')
  if (!node.child('NewerNoncurrentVersions')) return { days }
  const keep = positive(node, 'NewerNoncurrentVersions', 'NoncurrentVersionExpiration action')
  if (keep > 100) throw invalid("'NewerNoncurrentVersions' must be between 1 and 100")
  return { days, keep }
}

function positive(node: XmlNode, name: string, action: string): number {
  const text = node.textOf(name)?.trim()
  if (text === undefined) throw malformed()
  const value = /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(value) || value > 2_147_483_647) throw malformed()
  if (value > 0) return value
  throw invalid(`'${name}' for ${action} must be a positive integer`)
}

/** Uploads have neither tags nor a size, and delete markers no tags. */
function assertCombination({ filter, expiration, abortUploadsAfter }: LifecycleRule): void {
  const refuse = (what: string, by: string): never => {
    throw new StorageError('InvalidRequest', { message: `${what} cannot be specified with ${by}.` })
  }
  const hasSize = filter.sizeAbove !== undefined || filter.sizeBelow !== undefined
  if (abortUploadsAfter !== undefined && filter.tags) refuse('AbortIncompleteMultipartUpload', 'Tags')
  if (abortUploadsAfter !== undefined && hasSize) refuse('AbortIncompleteMultipartUpload', 'Object Size')
  if (expiration?.deleteMarker !== undefined && filter.tags) refuse('ExpiredObjectDeleteMarker', 'Tags')
  if (expiration?.deleteMarker !== undefined && hasSize) refuse('ExpiredObjectDeleteMarker', 'Object Size')
}

const invalid = (message: string): StorageError => new StorageError('InvalidArgument', { message })

export function ruleElement(rule: LifecycleRule): XmlElement {
  const { expiration, noncurrent, abortUploadsAfter } = rule
  return [
    'Rule',
    elements({
      ID: rule.id,
      ...filterElement(rule),
      Status: rule.isEnabled ? 'Enabled' : 'Disabled',
      Expiration:
        expiration &&
        elements({
          Days: expiration.days,
          Date: expiration.date,
          ExpiredObjectDeleteMarker: expiration.deleteMarker,
        }),
      NoncurrentVersionExpiration:
        noncurrent && elements({ NoncurrentDays: noncurrent.days, NewerNoncurrentVersions: noncurrent.keep }),
      AbortIncompleteMultipartUpload:
        abortUploadsAfter === undefined ? undefined : [['DaysAfterInitiation', abortUploadsAfter]],
    }),
  ]
}

function filterElement({ filter, form }: LifecycleRule): Record<string, string | XmlElement[]> {
  if (form === 'prefix') return { Prefix: filter.prefix ?? '' }
  const criteria = [
    ...elements({ Prefix: filter.prefix }),
    ...tagElements(filter.tags ?? {}),
    ...elements({ ObjectSizeGreaterThan: filter.sizeAbove, ObjectSizeLessThan: filter.sizeBelow }),
  ]
  return { Filter: form === 'and' ? [['And', criteria]] : criteria }
}
