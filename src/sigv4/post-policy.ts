/**
 * Verifies a form upload (POST Object): https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-UsingHTTPPOST.html
 * and, for version 2, https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 */
import type { KeyObject } from 'node:crypto'
import { parseAmzDate } from './amz-date.ts'
import { signatureMismatch } from './check-signature.ts'
import { checkScope, equalText, findKey, parseCredential } from './credential.ts'
import { parsePolicyDocument, type FieldCondition, type PolicyCondition } from './policy-document.ts'
import { signingKey } from './signing-key.ts'
import { algorithm, hmacHex } from './string-to-sign.ts'
import { SignatureError, type KeyRing, type VerifyOptions } from './types.ts'
import { version2Refused } from './version-2/refused.ts'
import { version2Signature } from './version-2/string-to-sign.ts'

export type VerifyPolicyOptions = {
  region: string
  keys: KeyRing
  now: Date
  /** The bucket that the form was posted to. */
  bucket: string
  /** Accepts version 2 signatures. Without it they are rejected. */
  version2?: Pick<NonNullable<VerifyOptions['version2']>, 'accepted'>
}

export type ContentLengthRange = { min: number; max: number }

export type VerifiedPolicy = {
  version: 2 | 4
  accessKeyId: string
  owner: string
  expiresAt: Date
  conditions: readonly PolicyCondition[]
  /** The intersection of the policy's content-length-ranges. Check the file with `checkContentLength`. */
  contentLengthRange?: ContentLengthRange
}

const version2Fields = ['policy', 'AWSAccessKeyId', 'signature'] as const
const version4Fields = ['policy', 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Date', 'X-Amz-Signature'] as const

/**
 * Verifies signature, expiry and every condition on the fields before the file. Names are case-insensitive. `key` is
 * the field as sent. If `${filename}` is replaced later, call `checkPolicyField` again with the result. Throws
 * SignatureError.
 */
export function verifyPostPolicy(sent: ReadonlyMap<string, string>, o: VerifyPolicyOptions): VerifiedPolicy {
  const fields = byLowerCase(sent)
  const auth = readSignature(fields, o)
  const { expiration, conditions } = parsePolicyDocument(auth.policy)

  const { version, accessKeyId } = auth
  const key = findKey(o.keys, accessKeyId, fields.get('x-amz-security-token'), 'InvalidToken')
  if (!auth.isSignedWith(key.secret)) {
    throw signatureMismatch({
      AWSAccessKeyId: accessKeyId,
      StringToSign: auth.policy,
      SignatureProvided: auth.signature,
    })
  }

  if (o.now >= expiration) throw denied('Policy expired.')
  const contentLengthRange = checkConditions(conditions, fields, o.bucket)
  refuseExtraFields(conditions, fields, exemptFields[version])
  return {
    version,
    accessKeyId,
    owner: key.owner,
    expiresAt: expiration,
    conditions,
    ...(contentLengthRange ? { contentLengthRange } : {}),
  }
}

/** Every condition on `field` must hold for `value`. Throws AccessDenied. */
export function checkPolicyField(conditions: readonly PolicyCondition[], field: string, value: string): void {
  for (const condition of conditions) {
    if (condition.kind !== 'content-length-range' && condition.field === field.toLowerCase()) check(condition, value)
  }
}

/** Throws EntityTooSmall or EntityTooLarge. `size` is the file's, in bytes. */
export function checkContentLength({ min, max }: ContentLengthRange, size: number): void {
  if (size > max) {
    throw new SignatureError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size', {
      ProposedSize: String(size),
      MaxSizeAllowed: String(max),
    })
  }
  if (size < min) {
    throw new SignatureError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
      ProposedSize: String(size),
      MinSizeAllowed: String(min),
    })
  }
}

const denied = (what: string): SignatureError =>
  new SignatureError('AccessDenied', `Invalid according to Policy: ${what}`)

function byLowerCase(sent: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const [name, value] of sent) {
    const lower = name.toLowerCase()
    if (fields.has(lower)) {
      throw new SignatureError('InvalidArgument', 'A form field is given more than once', { ArgumentName: name })
    }
    fields.set(lower, value)
  }
  return fields
}

type FormSignature = {
  version: 2 | 4
  policy: string
  accessKeyId: string
  signature: string
  isSignedWith(secret: KeyObject): boolean
}

function readSignature(fields: ReadonlyMap<string, string>, o: VerifyPolicyOptions): FormSignature {
  const has = (name: string): boolean => fields.has(name.toLowerCase())
  const byVersion2 = version2Fields.slice(1).some(has)
  const byVersion4 = version4Fields.slice(1).some(has)
  if (byVersion2 && byVersion4) {
    throw new SignatureError(
      'InvalidArgument',
      'Only one auth mechanism allowed. The form has fields of both versions.',
      {
        ArgumentName: 'signature',
      },
    )
  }
  if (byVersion2) return readVersion2(fields, o)
  if (!byVersion4 && !has('policy')) throw new SignatureError('AccessDenied', 'Access Denied')
  return readVersion4(fields, o)
}

function requiredField(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name.toLowerCase())
  if (value) return value
  throw new SignatureError(
    'InvalidArgument',
    `Bucket POST must contain a field named '${name}'. If it is specified, please check the order of the fields.`,
    { ArgumentName: name },
  )
}

function readVersion2(fields: ReadonlyMap<string, string>, { version2 }: VerifyPolicyOptions): FormSignature {
  if (version2?.accepted() !== true) throw version2Refused('off')
  const [policy, accessKeyId, signature] = version2Fields.map((name) => requiredField(fields, name)) as [
    string,
    string,
    string,
  ]
  const isSignedWith = (secret: KeyObject): boolean => equalText(version2Signature(secret, policy), signature)
  return { version: 2, policy, accessKeyId, signature, isSignedWith }
}

function readVersion4(fields: ReadonlyMap<string, string>, o: VerifyPolicyOptions): FormSignature {
  const [policy, algorithmField, credentialField, amzDate, signature] = version4Fields.map((name) =>
    requiredField(fields, name),
  ) as [string, string, string, string, string]
  const refuse = (message: string): never => {
    throw new SignatureError('AuthorizationQueryParametersError', message)
  }
  if (algorithmField !== algorithm) refuse(`X-Amz-Algorithm only supports "${algorithm}"`)
  const prefix = 'Error parsing the X-Amz-Credential parameter'
  const credential = parseCredential(credentialField) ?? refuse(`${prefix}; the Credential is mal-formed.`)
  if (!parseAmzDate(amzDate)) refuse("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
  checkScope(
    credential,
    amzDate.slice(0, 8),
    { region: o.region, service: 's3' },
    {
      code: 'AuthorizationQueryParametersError',
      prefix,
    },
  )
  const { accessKeyId, date, region } = credential
  const isSignedWith = (secret: KeyObject): boolean =>
    /^[0-9a-f]{64}$/.test(signature) &&
    equalText(hmacHex(signingKey(secret, { date, region, service: 's3' }), policy), signature)
  return { version: 4, policy, accessKeyId, signature, isSignedWith }
}

function checkConditions(
  conditions: readonly PolicyCondition[],
  fields: ReadonlyMap<string, string>,
  bucket: string,
): ContentLengthRange | null {
  const range: ContentLengthRange = { min: 0, max: Infinity }
  let bounded = false
  for (const condition of conditions) {
    if (condition.kind === 'content-length-range') {
      const { min, max } = condition
      if (Number.isNaN(min) || Number.isNaN(max)) throw failed(condition)
      range.min = Math.max(range.min, min)
      range.max = Math.min(range.max, max)
      bounded = true
      continue
    }
    // The form was posted to this bucket. A different bucket field must fail too.
    if (condition.field === 'bucket') check(condition, bucket)
    const value = condition.field === 'bucket' ? (fields.get('bucket') ?? bucket) : fields.get(condition.field)
    check(condition, value)
  }
  return bounded ? range : null
}

const failed = (condition: PolicyCondition): SignatureError => denied(`Policy Condition failed: ${condition.text}`)

function check(condition: FieldCondition, value: string | undefined): void {
  if (value === undefined) throw failed(condition)
  if (condition.kind === 'eq') {
    if (value !== condition.value) throw failed(condition)
    return
  }
  // A Content-Type with commas is a list. Each element must start with the prefix.
  const values = condition.field === 'content-type' ? value.split(',').map((type) => type.trim()) : [value]
  if (!values.every((one) => one.startsWith(condition.value))) throw failed(condition)
}

const exemptFields = {
  2: new Set(['policy', 'awsaccesskeyid', 'signature', 'file']),
  4: new Set(['policy', 'x-amz-signature', 'file']),
} as const

function refuseExtraFields(
  conditions: readonly PolicyCondition[],
  fields: ReadonlyMap<string, string>,
  exempt: ReadonlySet<string>,
): void {
  const covered = new Set(conditions.map((c) => (c.kind === 'content-length-range' ? '' : c.field)))
  const extra = [...fields.keys()].filter(
    (name) => !exempt.has(name) && !name.startsWith('x-ignore-') && !covered.has(name),
  )
  if (extra.length > 0) throw denied(`Extra input fields: ${extra.join(', ')}`)
}
