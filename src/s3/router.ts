import type { Operation, S3Context } from './context.ts'
import { S3Error } from './s3-error.ts'
import { abortMultipartUpload } from './operations/abort-multipart-upload.ts'
import { getBucketAcl, getObjectAcl, putBucketAcl, putObjectAcl } from './operations/acl.ts'
import { deleteBucketCors, getBucketCors, putBucketCors } from './operations/bucket-cors.ts'
import { completeMultipartUpload } from './operations/complete-multipart-upload.ts'
import { getBucketAbac, putBucketAbac } from './operations/configuration/abac.ts'
import {
  getBucketAccelerateConfiguration,
  putBucketAccelerateConfiguration,
} from './operations/configuration/accelerate.ts'
import {
  deleteBucketLifecycle,
  getBucketLifecycleConfiguration,
  putBucketLifecycleConfiguration,
} from './operations/configuration/lifecycle.ts'
import * as notConfigured from './operations/configuration/not-configured.ts'
import {
  getBucketLogging,
  getBucketNotificationConfiguration,
  putBucketLogging,
  putBucketNotificationConfiguration,
} from './operations/configuration/never-enabled.ts'
import { getObjectLockConfiguration, putObjectLockConfiguration } from './operations/configuration/object-lock.ts'
import {
  deleteBucketOwnershipControls,
  getBucketOwnershipControls,
  putBucketOwnershipControls,
} from './operations/configuration/ownership-controls.ts'
import {
  deleteBucketPolicy,
  getBucketPolicy,
  getBucketPolicyStatus,
  putBucketPolicy,
} from './operations/configuration/policy.ts'
import {
  deletePublicAccessBlock,
  getPublicAccessBlock,
  putPublicAccessBlock,
} from './operations/configuration/public-access-block.ts'
import { getBucketRequestPayment, putBucketRequestPayment } from './operations/configuration/request-payment.ts'
import { deleteBucketTagging, getBucketTagging, putBucketTagging } from './operations/configuration/tagging.ts'
import { copyObject } from './operations/copy-object.ts'
import { createBucket } from './operations/create-bucket.ts'
import { createMultipartUpload } from './operations/create-multipart-upload.ts'
import { deleteBucket } from './operations/delete-bucket.ts'
import { deleteObject } from './operations/delete-object.ts'
import { deleteObjects } from './operations/delete-objects.ts'
import { getBucketLocation } from './operations/get-bucket-location.ts'
import { getBucketVersioning } from './operations/get-bucket-versioning.ts'
import { getObject } from './operations/get-object.ts'
import { getObjectAttributes } from './operations/get-object-attributes.ts'
import { headBucket } from './operations/head-bucket.ts'
import { headObject } from './operations/head-object.ts'
import { listBuckets } from './operations/list-buckets.ts'
import { listMultipartUploads } from './operations/list-multipart-uploads.ts'
import { listObjectVersions } from './operations/list-object-versions.ts'
import { listObjects } from './operations/list-objects.ts'
import { listObjectsV2 } from './operations/list-objects-v2.ts'
import { listParts } from './operations/list-parts.ts'
import {
  getObjectLegalHold,
  getObjectRetention,
  putObjectLegalHold,
  putObjectRetention,
} from './operations/object-retention.ts'
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './operations/object-tagging.ts'
import { postObject } from './operations/post-object.ts'
import { putBucketVersioning } from './operations/put-bucket-versioning.ts'
import { putObject } from './operations/put-object.ts'
import { uploadPart } from './operations/upload-part.ts'
import { uploadPartCopy } from './operations/upload-part-copy.ts'

export type Route = {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  on: 'service' | 'bucket' | 'object'
  /** Query parameters that select this operation. */
  query?: readonly string[]
  /** Other sub-resources that the operation supports. */
  also?: readonly string[]
  /** A header that selects this operation. */
  header?: string
  /** How the body is read. Default: not at all. */
  body?: 'object' | 'xml' | 'form'
  /** AWS's name of the operation. Used by the log, metrics and the audit log. */
  name: string
  run: Operation
}

/** Read top to bottom. The first match runs. */
export const routes: readonly Route[] = [
  { method: 'GET', on: 'service', name: 'ListBuckets', run: listBuckets },

  { method: 'PUT', on: 'bucket', query: ['cors'], body: 'xml', name: 'PutBucketCors', run: putBucketCors },
  { method: 'GET', on: 'bucket', query: ['cors'], name: 'GetBucketCors', run: getBucketCors },
  { method: 'DELETE', on: 'bucket', query: ['cors'], name: 'DeleteBucketCors', run: deleteBucketCors },
  { method: 'PUT', on: 'bucket', query: ['acl'], body: 'xml', name: 'PutBucketAcl', run: putBucketAcl },
  { method: 'GET', on: 'bucket', query: ['acl'], name: 'GetBucketAcl', run: getBucketAcl },
  { method: 'PUT', on: 'bucket', query: ['tagging'], body: 'xml', name: 'PutBucketTagging', run: putBucketTagging },
  { method: 'GET', on: 'bucket', query: ['tagging'], name: 'GetBucketTagging', run: getBucketTagging },
  { method: 'DELETE', on: 'bucket', query: ['tagging'], name: 'DeleteBucketTagging', run: deleteBucketTagging },
  {
    method: 'PUT',
    on: 'bucket',
    query: ['ownershipControls'],
    body: 'xml',
    name: 'PutBucketOwnershipControls',
    run: putBucketOwnershipControls,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['ownershipControls'],
    name: 'GetBucketOwnershipControls',
    run: getBucketOwnershipControls,
  },
  {
    method: 'DELETE',
    on: 'bucket',
    query: ['ownershipControls'],
    name: 'DeleteBucketOwnershipControls',
    run: deleteBucketOwnershipControls,
  },
  {
    method: 'PUT',
    on: 'bucket',
    query: ['publicAccessBlock'],
    body: 'xml',
    name: 'PutPublicAccessBlock',
    run: putPublicAccessBlock,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['publicAccessBlock'],
    name: 'GetPublicAccessBlock',
    run: getPublicAccessBlock,
  },
  {
    method: 'DELETE',
    on: 'bucket',
    query: ['publicAccessBlock'],
    name: 'DeletePublicAccessBlock',
    run: deletePublicAccessBlock,
  },
  { method: 'PUT', on: 'bucket', query: ['abac'], body: 'xml', name: 'PutBucketAbac', run: putBucketAbac },
  { method: 'GET', on: 'bucket', query: ['abac'], name: 'GetBucketAbac', run: getBucketAbac },
  {
    method: 'PUT',
    on: 'bucket',
    query: ['accelerate'],
    body: 'xml',
    name: 'PutBucketAccelerateConfiguration',
    run: putBucketAccelerateConfiguration,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['accelerate'],
    name: 'GetBucketAccelerateConfiguration',
    run: getBucketAccelerateConfiguration,
  },
  { method: 'PUT', on: 'bucket', query: ['logging'], body: 'xml', name: 'PutBucketLogging', run: putBucketLogging },
  { method: 'GET', on: 'bucket', query: ['logging'], name: 'GetBucketLogging', run: getBucketLogging },
  {
    method: 'PUT',
    on: 'bucket',
    query: ['notification'],
    body: 'xml',
    name: 'PutBucketNotificationConfiguration',
    run: putBucketNotificationConfiguration,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['notification'],
    name: 'GetBucketNotificationConfiguration',
    run: getBucketNotificationConfiguration,
  },
  {
    method: 'PUT',
    on: 'bucket',
    query: ['requestPayment'],
    body: 'xml',
    name: 'PutBucketRequestPayment',
    run: putBucketRequestPayment,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['requestPayment'],
    name: 'GetBucketRequestPayment',
    run: getBucketRequestPayment,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['encryption'],
    name: 'GetBucketEncryption',
    run: notConfigured.getBucketEncryption,
  },
  {
    method: 'DELETE',
    on: 'bucket',
    query: ['encryption'],
    name: 'DeleteBucketEncryption',
    run: notConfigured.deleteBucketEncryption,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['lifecycle'],
    name: 'GetBucketLifecycleConfiguration',
    run: getBucketLifecycleConfiguration,
  },
  {
    method: 'DELETE',
    on: 'bucket',
    query: ['lifecycle'],
    name: 'DeleteBucketLifecycle',
    run: deleteBucketLifecycle,
  },
  {
    method: 'PUT',
    on: 'bucket',
    query: ['lifecycle'],
    body: 'xml',
    name: 'PutBucketLifecycleConfiguration',
    run: putBucketLifecycleConfiguration,
  },
  { method: 'PUT', on: 'bucket', query: ['policy'], body: 'xml', name: 'PutBucketPolicy', run: putBucketPolicy },
  { method: 'GET', on: 'bucket', query: ['policy'], name: 'GetBucketPolicy', run: getBucketPolicy },
  {
    method: 'DELETE',
    on: 'bucket',
    query: ['policy'],
    name: 'DeleteBucketPolicy',
    run: deleteBucketPolicy,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['replication'],
    name: 'GetBucketReplication',
    run: notConfigured.getBucketReplication,
  },
  {
    method: 'DELETE',
    on: 'bucket',
    query: ['replication'],
    name: 'DeleteBucketReplication',
    run: notConfigured.deleteBucketReplication,
  },
  { method: 'GET', on: 'bucket', query: ['website'], name: 'GetBucketWebsite', run: notConfigured.getBucketWebsite },
  {
    method: 'DELETE',
    on: 'bucket',
    query: ['website'],
    name: 'DeleteBucketWebsite',
    run: notConfigured.deleteBucketWebsite,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['policyStatus'],
    name: 'GetBucketPolicyStatus',
    run: getBucketPolicyStatus,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['object-lock'],
    name: 'GetObjectLockConfiguration',
    run: getObjectLockConfiguration,
  },
  {
    method: 'PUT',
    on: 'bucket',
    query: ['object-lock'],
    body: 'xml',
    name: 'PutObjectLockConfiguration',
    run: putObjectLockConfiguration,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['analytics', 'id'],
    name: 'GetBucketAnalyticsConfiguration',
    run: notConfigured.getBucketAnalyticsConfiguration,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['analytics'],
    name: 'ListBucketAnalyticsConfigurations',
    run: notConfigured.listBucketAnalyticsConfigurations,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['intelligent-tiering', 'id'],
    name: 'GetBucketIntelligentTieringConfiguration',
    run: notConfigured.getBucketIntelligentTieringConfiguration,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['intelligent-tiering'],
    name: 'ListBucketIntelligentTieringConfigurations',
    run: notConfigured.listBucketIntelligentTieringConfigurations,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['inventory', 'id'],
    name: 'GetBucketInventoryConfiguration',
    run: notConfigured.getBucketInventoryConfiguration,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['inventory'],
    name: 'ListBucketInventoryConfigurations',
    run: notConfigured.listBucketInventoryConfigurations,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['metrics', 'id'],
    name: 'GetBucketMetricsConfiguration',
    run: notConfigured.getBucketMetricsConfiguration,
  },
  {
    method: 'GET',
    on: 'bucket',
    query: ['metrics'],
    name: 'ListBucketMetricsConfigurations',
    run: notConfigured.listBucketMetricsConfigurations,
  },
  { method: 'GET', on: 'bucket', query: ['location'], name: 'GetBucketLocation', run: getBucketLocation },
  { method: 'GET', on: 'bucket', query: ['versioning'], name: 'GetBucketVersioning', run: getBucketVersioning },
  {
    method: 'PUT',
    on: 'bucket',
    query: ['versioning'],
    body: 'xml',
    name: 'PutBucketVersioning',
    run: putBucketVersioning,
  },
  { method: 'GET', on: 'bucket', query: ['versions'], name: 'ListObjectVersions', run: listObjectVersions },
  { method: 'GET', on: 'bucket', query: ['uploads'], name: 'ListMultipartUploads', run: listMultipartUploads },
  { method: 'GET', on: 'bucket', query: ['list-type'], name: 'ListObjectsV2', run: listObjectsV2 },
  { method: 'GET', on: 'bucket', name: 'ListObjects', run: listObjects },
  { method: 'HEAD', on: 'bucket', name: 'HeadBucket', run: headBucket },
  { method: 'PUT', on: 'bucket', body: 'xml', name: 'CreateBucket', run: createBucket },
  { method: 'DELETE', on: 'bucket', name: 'DeleteBucket', run: deleteBucket },
  { method: 'POST', on: 'bucket', query: ['delete'], body: 'xml', name: 'DeleteObjects', run: deleteObjects },
  { method: 'POST', on: 'bucket', body: 'form', name: 'PostObject', run: postObject },

  { method: 'GET', on: 'object', query: ['uploadId'], name: 'ListParts', run: listParts },
  { method: 'POST', on: 'object', query: ['uploads'], name: 'CreateMultipartUpload', run: createMultipartUpload },
  {
    method: 'POST',
    on: 'object',
    query: ['uploadId'],
    body: 'xml',
    name: 'CompleteMultipartUpload',
    run: completeMultipartUpload,
  },
  { method: 'DELETE', on: 'object', query: ['uploadId'], name: 'AbortMultipartUpload', run: abortMultipartUpload },
  {
    method: 'PUT',
    on: 'object',
    query: ['partNumber', 'uploadId'],
    header: 'x-amz-copy-source',
    name: 'UploadPartCopy',
    run: uploadPartCopy,
  },
  {
    method: 'PUT',
    on: 'object',
    query: ['partNumber', 'uploadId'],
    body: 'object',
    name: 'UploadPart',
    run: uploadPart,
  },
  {
    method: 'GET',
    on: 'object',
    query: ['tagging'],
    also: ['versionId'],
    name: 'GetObjectTagging',
    run: getObjectTagging,
  },
  {
    method: 'PUT',
    on: 'object',
    query: ['tagging'],
    also: ['versionId'],
    body: 'xml',
    name: 'PutObjectTagging',
    run: putObjectTagging,
  },
  {
    method: 'DELETE',
    on: 'object',
    query: ['tagging'],
    also: ['versionId'],
    name: 'DeleteObjectTagging',
    run: deleteObjectTagging,
  },
  {
    method: 'GET',
    on: 'object',
    query: ['retention'],
    also: ['versionId'],
    name: 'GetObjectRetention',
    run: getObjectRetention,
  },
  {
    method: 'PUT',
    on: 'object',
    query: ['retention'],
    also: ['versionId'],
    body: 'xml',
    name: 'PutObjectRetention',
    run: putObjectRetention,
  },
  {
    method: 'GET',
    on: 'object',
    query: ['legal-hold'],
    also: ['versionId'],
    name: 'GetObjectLegalHold',
    run: getObjectLegalHold,
  },
  {
    method: 'PUT',
    on: 'object',
    query: ['legal-hold'],
    also: ['versionId'],
    body: 'xml',
    name: 'PutObjectLegalHold',
    run: putObjectLegalHold,
  },
  { method: 'GET', on: 'object', query: ['acl'], also: ['versionId'], name: 'GetObjectAcl', run: getObjectAcl },
  {
    method: 'PUT',
    on: 'object',
    query: ['acl'],
    also: ['versionId'],
    body: 'xml',
    name: 'PutObjectAcl',
    run: putObjectAcl,
  },
  {
    method: 'GET',
    on: 'object',
    query: ['attributes'],
    also: ['versionId'],
    name: 'GetObjectAttributes',
    run: getObjectAttributes,
  },
  { method: 'GET', on: 'object', also: ['versionId', 'partNumber'], name: 'GetObject', run: getObject },
  { method: 'HEAD', on: 'object', also: ['versionId', 'partNumber'], name: 'HeadObject', run: headObject },
  { method: 'PUT', on: 'object', header: 'x-amz-copy-source', name: 'CopyObject', run: copyObject },
  { method: 'PUT', on: 'object', body: 'object', name: 'PutObject', run: putObject },
  { method: 'DELETE', on: 'object', also: ['versionId'], name: 'DeleteObject', run: deleteObject },
]

/** Query parameters that select another operation (S3 API reference). */
const subResources: Record<string, string> = {
  abac: 'attribute-based access control',
  accelerate: 'transfer acceleration',
  acl: 'this use of ACLs',
  analytics: 'analytics configurations',
  append: 'appending to objects',
  attributes: 'this use of object attributes',
  cors: 'this use of CORS configurations',
  delete: 'this use of multi-object delete',
  encryption: 'bucket encryption',
  'intelligent-tiering': 'intelligent tiering',
  inventory: 'inventory configurations',
  'legal-hold': 'legal hold',
  lifecycle: 'lifecycle configurations',
  location: 'this use of bucket locations',
  logging: 'bucket logging',
  metadataConfiguration: 'metadata tables',
  metadataTable: 'metadata tables',
  metrics: 'metrics configurations',
  notification: 'event notifications',
  'object-lock': 'object lock',
  ownershipControls: 'ownership controls',
  partNumber: 'this use of part numbers',
  policy: 'bucket policies',
  policyStatus: 'bucket policies',
  publicAccessBlock: 'public access blocks',
  renameObject: 'renaming objects',
  replication: 'replication',
  requestPayment: 'requester pays',
  restore: 'restoring from an archive',
  retention: 'object retention',
  select: 'S3 Select',
  session: 'sessions of directory buckets',
  tagging: 'this use of tagging',
  torrent: 'torrents',
  uploadId: 'this use of multipart uploads',
  uploads: 'this use of multipart uploads',
  versionId: 'this use of versions',
  versioning: 'versioning',
  versions: 'this use of versions',
  website: 'website hosting',
}

type Requested = Pick<S3Context, 'method' | 'bucket' | 'key' | 'query' | 'headers'>

/**
 * The route of a request, or the error that explains why there is none. An unsupported sub-resource never runs the
 * plain operation.
 */
export function findRoute(request: Requested): Route | S3Error {
  const on = resourceOf(request)
  const asked = [...request.query.keys()].filter((name) => Object.hasOwn(subResources, name))
  for (const route of routes) {
    if (route.method !== request.method || route.on !== on) continue
    if (route.header !== undefined && !request.headers.has(route.header)) continue
    if (route.query?.some((name) => !request.query.has(name)) === true) continue
    if (asked.every((name) => route.query?.includes(name) === true || route.also?.includes(name) === true)) return route
  }
  const [missing] = asked
  if (missing !== undefined)
    return new S3Error('NotImplemented', `Not implemented: ${subResources[missing]} (?${missing}).`)
  return new S3Error('MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    Method: request.method.replace(/[^A-Z]/g, ''),
  })
}

const resourceOf = ({ bucket, key }: Pick<Requested, 'bucket' | 'key'>): Route['on'] =>
  key !== null ? 'object' : bucket !== null ? 'bucket' : 'service'

/** Methods that a resource accepts, whatever the parameters (RFC 9110 §10.2.1). */
export function allowedMethods(target: Pick<Requested, 'bucket' | 'key'>): string {
  const on = resourceOf(target)
  const methods = routes.filter((route) => route.on === on).map(({ method }) => method)
  return [...new Set([...methods, 'OPTIONS'])].join(', ')
}
