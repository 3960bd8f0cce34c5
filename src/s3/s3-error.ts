/**
 * Errors of the S3 protocol itself. Drivers and signatures have their own codes. `error-response.ts` maps each to a
 * response.
 */
export const s3ErrorCodes = [
  'AccessControlListNotSupported',
  'AccessForbidden',
  'IllegalLocationConstraintException',
  'IllegalVersioningConfigurationException',
  'InvalidBucketAclWithObjectOwnership',
  'InvalidPartNumber',
  'InvalidRetentionPeriod',
  'InvalidRequestBody',
  'InvalidStorageClass',
  'InvalidURI',
  'MalformedACLError',
  'MalformedPOSTRequest',
  'MalformedPolicy',
  'MalformedXML',
  'MaxMessageLengthExceeded',
  'MethodNotAllowed',
  'MissingAttachment',
  'MissingRequestBodyError',
  'NoSuchBucketPolicy',
  'NoSuchConfiguration',
  'NoSuchLifecycleConfiguration',
  'NoSuchObjectLockConfiguration',
  'NoSuchPublicAccessBlockConfiguration',
  'NoSuchWebsiteConfiguration',
  'NotImplemented',
  'NotMultipart',
  'ObjectLockConfigurationNotFoundError',
  'OwnershipControlsNotFoundError',
  'ReplicationConfigurationNotFoundError',
  'RequestTimeout',
  'ServerSideEncryptionConfigurationNotFoundError',
  'UnresolvableGrantByEmailAddress',
] as const

export type S3ErrorCode = (typeof s3ErrorCodes)[number]

export class S3Error extends Error {
  override readonly name = 'S3Error'
  readonly code: S3ErrorCode
  readonly details: Readonly<Record<string, string | number>>
  constructor(code: S3ErrorCode, message: string, details: Record<string, string | number> = {}) {
    super(message)
    this.code = code
    this.details = details
  }
}
