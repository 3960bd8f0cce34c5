/** Verifies a form upload (POST Object): https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-UsingHTTPPOST.html */
import { parseAmzDate } from './amz-date.ts'
import { signatureMismatch } from './check-signature.ts'
import { checkScope, equalText, findKey, parseCredential } from './credential.ts'
import { parsePolicyDocument, type FieldCondition, type PolicyCondition } from './policy-document.ts'
import { signingKey } from './signing-key.ts'
import { algorithm, hmacHex } from './string-to-sign.ts'
import { SignatureError, type KeyRing } from './types.ts'

export type VerifyPolicyOptions = {
  region: string
  keys: KeyRing
  now: Date
  /** The bucket the form was posted to. */
  bucket: string
}

export type ContentLengthRange = { min: number; max: number }

export type VerifiedPolicy = {
  accessKeyId: string
  owner: string
  expiresAt: Date
  conditions: readonly PolicyCondition[]
  /** What every content-length-range of the policy allows: hold the file to it with `checkContentLength`. */
  contentLengthRange?: ContentLengthRange
}

const signatureFields = ['policy', 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Date', 'X-Amz-Signature'] as const

/**
 * Verifies signature, expiry and every condition over the fields that came before the file. Names are compared without
 * case. `key` is the field as sent; where `${filename}` is put in afterwards, call `checkPolicyField` again with the
 * result. Throws SignatureError.
 */
export function verifyPostPolicy(sent: ReadonlyMap<string, string>, o: VerifyPolicyOptions): VerifiedPolicy {
  const fields = byLowerCase(sent)
  const auth = readSignatureFields(fields, o)
  const { expiration, conditions } = parsePolicyDocument(auth.policy)

  const { accessKeyId } = auth.credential
  const key = findKey(o.keys, accessKeyId, fields.get('x-amz-security-token'), 'InvalidToken')
  const signing = signingKey(key.secret, { date: auth.credential.date, region: o.region, service: 's3' })
  if (!/^[0-9a-f]{64}$/.test(auth.signature) || !equalText(hmacHex(signing, auth.policy), auth.signature)) {
    throw signatureMismatch({
      AWSAccessKeyId: accessKeyId,
      StringToSign: auth.policy,
      SignatureProvided: auth.signature,
    })
  }

  if (o.now >= expiration) throw denied('Policy expired.')
  const contentLengthRange = checkConditions(conditions, fields, o.bucket)
  refuseExtraFields(conditions, fields)
  return {
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

function readSignatureFields(fields: ReadonlyMap<string, string>, o: VerifyPolicyOptions) {
  if (fields.has('awsaccesskeyid') || fields.has('signature')) {
    throw new SignatureError(
      'InvalidRequest',
      'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    )
  }
  if (!signatureFields.some((name) => fields.has(name.toLowerCase())))
    throw new SignatureError('AccessDenied', 'Access Denied')
  const field = (name: (typeof signatureFields)[number]): string => {
    const value = fields.get(name.toLowerCase())
    if (value) return value
    throw new SignatureError(
      'InvalidArgument',
      `Bucket POST must contain a field named '${name}'. If it is specified, please check the order of the fields.`,
      { ArgumentName: name },
    )
  }
  const [policy, algorithmField, credentialField, amzDate, signature] = signatureFields.map(field) as [
    string,
    string,
    string,
    string,
    string,
  ]
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
  return { policy, credential, signature }
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
    // The bucket is where the form was posted to; a field that says otherwise fails too.
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
  // A Content-Type with commas is a list, each of which must begin so.
  const values = condition.field === 'content-type' ? value.split(',').map((type) => type.trim()) : [value]
  if (!values.every((one) => one.startsWith(condition.value))) throw failed(condition)
}

const exemptFields = new Set(['policy', 'x-amz-signature', 'file'])

function refuseExtraFields(conditions: readonly PolicyCondition[], fields: ReadonlyMap<string, string>): void {
  const covered = new Set(conditions.map((c) => (c.kind === 'content-length-range' ? '' : c.field)))
  const extra = [...fields.keys()].filter(
    (name) => !exemptFields.has(name) && !name.startsWith('x-ignore-') && !covered.has(name),
  )
  if (extra.length > 0) throw denied(`Extra input fields: ${extra.join(', ')}`)
}
