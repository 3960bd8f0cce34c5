import { timingSafeEqual } from 'node:crypto'
import { terminator } from './string-to-sign.ts'
import { SignatureError, type KeyRing, type SignatureErrorCode, type VerifyOptions } from './types.ts'

export type Credential = { accessKeyId: string; date: string; region: string; service: string; terminator: string }

/** `AKID/YYYYMMDD/REGION/SERVICE/aws4_request`. null unless it has these five parts. */
export function parseCredential(text: string): Credential | null {
  const parts = text.split('/')
  if (parts.length !== 5 || parts.includes('')) return null
  const [accessKeyId, date, region, service, end] = parts as [string, string, string, string, string]
  return { accessKeyId, date, region, service, terminator: end }
}

/** The region of an endpoint that accepts signatures for every region. */
export const anyRegion = 'any'

/** The error code and message prefix for an invalid credential. They differ by kind of request. */
export type Complaint = { code: SignatureErrorCode; prefix: string }

/** Compares the scope with this endpoint and the day of the request. `day` is `YYYYMMDD`. */
export function checkScope(
  c: Credential,
  day: string,
  o: Pick<VerifyOptions, 'region' | 'service'>,
  complaint: Complaint,
): void {
  const refuse = (what: string, details: Record<string, string> = {}): never => {
    throw new SignatureError(complaint.code, `${complaint.prefix}; ${what}`, details)
  }
  if (c.terminator !== terminator) refuse(`incorrect terminal "${c.terminator}". This endpoint uses "${terminator}".`)
  if (c.service !== o.service) refuse(`incorrect service "${c.service}". This endpoint belongs to "${o.service}".`)
  if (o.region !== anyRegion && c.region !== o.region)
    refuse(`the region '${c.region}' is wrong; expecting '${o.region}'`, { Region: o.region })
  if (c.date !== day) refuse(`incorrect date "${c.date}". This date is not the day of X-Amz-Date, "${day}".`)
}

export type Key = NonNullable<ReturnType<KeyRing['find']>>

/** The key of a request. Its security token must be the one issued with the key, or absent. */
export function findKey(
  keys: KeyRing,
  accessKeyId: string,
  token: string | undefined,
  invalidToken: SignatureErrorCode,
): Key {
  const key = keys.find(accessKeyId)
  if (!key || (key.sessionToken !== undefined && token === undefined)) {
    throw new SignatureError(
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
      {
        AWSAccessKeyId: accessKeyId,
      },
    )
  }
  if (token !== undefined && (key.sessionToken === undefined || !equalText(key.sessionToken, token))) {
    throw new SignatureError(invalidToken, 'The provided security token was not issued with this access key.')
  }
  return key
}

/** Compares in constant time for equal lengths. The length is not secret. */
export function equalText(a: string, b: string): boolean {
  const x = Buffer.from(a, 'utf8')
  const y = Buffer.from(b, 'utf8')
  return x.length === y.length && timingSafeEqual(x, y)
}
