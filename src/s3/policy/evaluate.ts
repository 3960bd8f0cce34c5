/** Evaluates a bucket policy for one request. An explicit deny takes precedence over every allow. */
import type { Principal } from '../context.ts'
import type { ConditionKeys } from './condition-keys.ts'
import { addressRange, isPartOfInternet, type Condition } from './conditions.ts'
import type { Patterns, Policy, Statement } from './parse-policy.ts'

export type Verdict = 'allow' | 'deny' | 'none'

export type PolicyRequest = {
  principal: Principal
  /** `s3:GetObject` */
  action: string
  bucket: string
  key?: string
  keys: ConditionKeys
}

/** A statement that fits the principal and the action, with the conditions that are not tested yet. */
export type Candidate = Pick<Statement, 'effect' | 'resources' | 'conditions'>

export function evaluate(policy: Policy, request: PolicyRequest): Verdict {
  const candidates = forResource(candidatesOf(policy, request), request)
  return decide(narrow(candidates, request.keys))
}

export function candidatesOf(
  policy: Policy,
  { principal, action }: Pick<PolicyRequest, 'principal' | 'action'>,
): Candidate[] {
  const name = action.toLowerCase()
  return policy.statements.filter(({ principals, actions }) => isNamed(principals, principal) && fits(actions, name))
}

export function forResource(
  candidates: readonly Candidate[],
  { bucket, key }: Pick<PolicyRequest, 'bucket' | 'key'>,
): Candidate[] {
  const resource = key === undefined ? bucket : `${bucket}/${key}`
  return candidates.filter(({ resources }) => fits(resources, resource))
}

/** Candidates whose resources can include objects. */
export const forObjects = (candidates: readonly Candidate[]): Candidate[] =>
  candidates.filter(({ resources }) => resources.negated || !resources.plain)

/** Tests the conditions on known keys, and removes candidates for which one fails. */
export function narrow(
  candidates: readonly Candidate[],
  keys: ConditionKeys,
  isKnown: (name: string) => boolean = () => true,
): Candidate[] {
  return candidates
    .filter(({ conditions }) => conditions.every(({ key, test }) => !isKnown(key) || test(keys)))
    .map((candidate) => ({ ...candidate, conditions: candidate.conditions.filter(({ key }) => !isKnown(key)) }))
}

/** For candidates whose conditions are all tested. */
export function decide(candidates: readonly Candidate[]): Verdict {
  if (candidates.some(({ effect }) => effect === 'Deny')) return 'deny'
  return candidates.length > 0 ? 'allow' : 'none'
}

const isNamed = (principals: Statement['principals'], principal: Principal): boolean =>
  principals === 'everyone' || (principal.kind === 'key' && !principal.gateway && principals.has(principal.owner))

const fits = ({ globs, negated }: Patterns, text: string): boolean => globs.some((glob) => glob(text)) !== negated

/** Whether a policy allows something to everyone (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status). */
export const isPublicPolicy = (policy: Policy): boolean =>
  policy.statements.some(
    ({ effect, principals, conditions }) =>
      effect === 'Allow' && principals === 'everyone' && !conditions.some(isFixedAddress),
  )

/** Whether the condition limits requests to a part of the Internet. */
const isFixedAddress = ({ operator, key, values }: Condition): boolean =>
  operator === 'IpAddress' &&
  key === 'aws:sourceip' &&
  values.every((value) => {
    const range = addressRange(value)
    return range !== null && isPartOfInternet(range)
  })
