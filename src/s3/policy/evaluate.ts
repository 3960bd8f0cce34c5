/** What a bucket policy says of one request: an explicit deny wins over every allow. */
import type { Principal } from '../context.ts'
import { usesExistingTags, usesRequestTags, type ConditionKeys } from './condition-keys.ts'
import { addressRange, type Condition } from './conditions.ts'
import { matchesGlob } from './glob.ts'
import type { Policy, Statement } from './parse-policy.ts'

export type Verdict = 'allow' | 'deny' | 'none'

export type PolicyRequest = {
  principal: Principal
  /** `s3:GetObject` */
  action: string
  bucket: string
  key?: string
  keys: ConditionKeys
}

export function evaluate(policy: Policy, request: PolicyRequest): Verdict {
  const applying = policy.statements.filter((statement) => applies(statement, request))
  if (applying.some(({ effect }) => effect === 'Deny')) return 'deny'
  return applying.length > 0 ? 'allow' : 'none'
}

function applies(statement: Statement, { principal, action, bucket, key, keys }: PolicyRequest): boolean {
  const resource = key === undefined ? bucket : `${bucket}/${key}`
  return (
    isNamed(statement.principals, principal) &&
    fits(statement.actions, action.toLowerCase()) &&
    fits(statement.resources, resource) &&
    statement.conditions.every(({ test }) => test(keys))
  )
}

const isNamed = (principals: Statement['principals'], principal: Principal): boolean =>
  principals === 'everyone' || (principal.kind === 'key' && !principal.gateway && principals.has(principal.owner))

const fits = ({ globs, negated }: Statement['actions'], text: string): boolean =>
  globs.some((glob) => matchesGlob(glob, text)) !== negated

/** Whether a policy allows something to everyone (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status). */
export const isPublicPolicy = (policy: Policy): boolean =>
  policy.statements.some(
    ({ effect, principals, conditions }) =>
      effect === 'Allow' && principals === 'everyone' && !conditions.some(isFixedAddress),
  )

/** Only a part of the Internet: at most a /8 of IPv4 or a /32 of IPv6. */
const isFixedAddress = ({ operator, key, values }: Condition): boolean =>
  operator === 'IpAddress' &&
  key === 'aws:sourceip' &&
  values.every((value) => {
    const range = addressRange(value)
    return range !== null && range.bits >= (range.family === 6 ? 32 : 8)
  })

export type NeededTags = { existing: boolean; requested: boolean }

/** Tags are only read for a policy that asks for them. */
export function neededTags(policy: Policy): NeededTags {
  const keys = policy.statements.flatMap(({ conditions }) => conditions.map(({ key }) => key))
  return { existing: keys.some(usesExistingTags), requested: keys.some(usesRequestTags) }
}
