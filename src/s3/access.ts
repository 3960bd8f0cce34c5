import { isStorageError, StorageError } from '../errors.ts'
import type { BucketInfo, ObjectHead, ObjectRef, StorageDriver } from '../drivers/driver.ts'
import { grantsPermission } from './acl/grants.ts'
import { actionOn, allowedToInitiator, neverDeniedToOwner, ruleOf, type S3Action } from './actions.ts'
import type { ObjectsDeps, Principal, PublicObject, Requester, On, AllowedDeletes, Access } from './context.ts'
import { createConditionKeys, usesExistingTags, usesRequestTags } from './policy/condition-keys.ts'
import {
  candidatesOf,
  decide,
  forObjects,
  forResource,
  isPublicPolicy,
  narrow,
  type Candidate,
  type Verdict,
} from './policy/evaluate.ts'
import { parsePolicy, type Policy } from './policy/parse-policy.ts'

export type AccessOptions = { store: StorageDriver; gatewayBucket: string; publicPrefix: string } & Pick<
  ObjectsDeps,
  'publicObject' | 'trustedProxies' | 'now'
>

type Parsed = { policy: Policy; isPublic: boolean }

/** Policies that are kept as they were parsed. */
const maxParsed = 100

export function createAccess(o: AccessOptions): Access {
  const { store, gatewayBucket, publicPrefix, publicObject } = o
  const conditionKeys = createConditionKeys(o)
  const parsed = new Map<string, Parsed>()
  const isOwn = (principal: Principal): boolean => principal.kind === 'key' && principal.gateway

  /** Only the gateway's own key writes to this bucket. Everyone may read public files below the public prefix. */
  function allowInGatewayBucket(principal: Principal, action: S3Action): void {
    if (isOwn(principal) && ruleOf(action).kind !== 'settings') return
    throw denied()
  }

  async function readInGatewayBucket(principal: Principal, ref: ObjectRef): Promise<PublicObject | null> {
    if (isOwn(principal)) return null
    if (!ref.key.startsWith(publicPrefix)) throw denied()
    const found = publicObject ? await publicObject(ref) : 'no upload'
    if (found === null) throw noSuchKey()
    return found === 'no upload' ? null : found
  }

  function policyOf({ bucket, configuration }: BucketInfo): Parsed | null {
    const text = configuration.policy
    if (text === undefined) return null
    const name = `${bucket}\n${text}`
    const known = parsed.get(name)
    if (known) return known
    const policy = parsePolicy(text, bucket)
    const made = { policy, isPublic: isPublicPolicy(policy) }
    if (parsed.size === maxParsed) parsed.delete(parsed.keys().next().value!)
    parsed.set(name, made)
    return made
  }

  /** The statements for this requester and action that the public access block leaves. */
  function candidates({ principal }: Requester, action: S3Action, info: BucketInfo): Candidate[] {
    const found = policyOf(info)
    if (found === null) return []
    const all = candidatesOf(found.policy, { principal, action })
    const isRestricted = found.isPublic && info.configuration.publicAccessBlock?.restrictPublicBuckets === true
    return isRestricted ? all.filter(({ effect }) => effect === 'Deny') : all
  }

  /**
   * Conditions on tags are tested last. The tags of a request may be in its body, which is read only for a requester that
   * may still be allowed.
   */
  async function verdictOf(who: Requester, action: S3Action, on: On, info: BucketInfo): Promise<Verdict> {
    const fitting = forResource(candidates(who, action, info), on)
    let open = narrow(fitting, conditionKeys(who, action, {}), isNoTag)
    if (uses(open, usesRequestTags)) {
      if (open.some(isFinalDeny)) return 'deny'
      const mayHaveRight = isOwner(who, info) || on.isInitiator === true || ruleOf(action).acl !== undefined
      if (!mayHaveRight && !open.some(isAllow)) return 'none'
      const requested = (await who.requestTags?.()) ?? taggingOf(who)
      open = narrow(open, conditionKeys(who, action, { requested }), usesRequestTags)
    }
    return decide(await withExistingTags(open, who, action, on))
  }

  async function withExistingTags(
    open: readonly Candidate[],
    who: Requester,
    action: S3Action,
    { bucket, key, versionId, isNew }: On,
  ): Promise<readonly Candidate[]> {
    if (!uses(open, usesExistingTags)) return open
    const existing =
      key === undefined || isNew === true || isNewObject(action) ? {} : await tagsOf({ bucket, key }, versionId)
    return narrow(open, conditionKeys(who, action, { existing }))
  }

  async function tagsOf(ref: ObjectRef, versionId: string | undefined): Promise<Record<string, string>> {
    try {
      return await store.getObjectTags(ref, versionId === undefined ? {} : { versionId })
    } catch (error) {
      if (isMissing(error)) return {}
      throw error
    }
  }

  const headOf = ({ bucket, key, versionId }: On): Promise<ObjectHead> =>
    store.headObject({ bucket, key: key! }, versionId === undefined ? {} : { versionId })

  async function aclGrants(who: Requester, action: S3Action, on: On, info: BucketInfo): Promise<boolean> {
    // No ACL grants a lock, because its owner could not delete the object any more.
    const asNew = on.isNew === true && !setsLock.has(action)
    const rule = asNew ? ruleOf('s3:PutObject').acl : ruleOf(action).acl
    if (rule === undefined) return false
    const asked = { principal: who.principal, permission: rule.permission }
    if (rule.of === 'bucket') return grantsPermission(info.acl, info.configuration, asked)
    const { acl = 'private' } = await headOf(on)
    return grantsPermission(acl, info.configuration, asked)
  }

  /** Only requesters that may list the bucket learn that a key is absent. For others, absent and forbidden look alike. */
  async function mayMiss(who: Requester, info: BucketInfo): Promise<boolean> {
    const on = { bucket: info.bucket }
    // The query of this request must not set condition keys of a list.
    const lister = { ...who, query: new Map<string, string>() }
    const verdict = await verdictOf(lister, 's3:ListBucket', on, info)
    return verdict === 'allow' || (verdict === 'none' && (await aclGrants(who, 's3:ListBucket', on, info)))
  }

  /** For requesters other than the bucket's owner. */
  async function isAllowed(who: Requester, action: S3Action, on: On, info: BucketInfo, verdict: Verdict) {
    const { acl, ownerOnly = false } = ruleOf(action)
    if (ownerOnly) return false
    if (on.isInitiator === true && allowedToInitiator.has(action)) return true
    try {
      if (verdict !== 'allow') return on.isInitiator !== false && (await aclGrants(who, action, on, info))
      if (acl?.of === 'object' && on.isNew !== true) await headOf(on)
      return true
    } catch (error) {
      if (isMissing(error)) return mayMiss(who, info)
      throw error
    }
  }

  /** Decides what is the same for every key once. */
  async function inBucket(
    who: Requester,
    action: S3Action,
    info: BucketInfo,
  ): Promise<{ isPossible: boolean; allow(on: On): Promise<void> }> {
    const open = narrow(forObjects(candidates(who, action, info)), conditionKeys(who, action, {}), isNoTag)
    const isGranted = isOwner(who, info) || (await aclGrants(who, action, { bucket: info.bucket }, info))
    return {
      isPossible: isGranted || open.some(isAllow),
      async allow(on) {
        const verdict = decide(await withExistingTags(forResource(open, on), who, action, on))
        if (verdict === 'deny' || (verdict === 'none' && !isGranted)) throw denied()
      },
    }
  }

  const access: Access = {
    hasPublicPolicy: (info) => policyOf(info)?.isPublic ?? null,

    async allowRead(who, on) {
      if (on.bucket === gatewayBucket) return readInGatewayBucket(who.principal, on)
      await access.allow(who, actionOn('s3:GetObject', on.versionId), on)
      return null
    },

    async allow(who, action, on) {
      const { principal } = who
      const { bucket, key } = on
      if (bucket === gatewayBucket) {
        if (!publicReads.has(action) || key === undefined) allowInGatewayBucket(principal, action)
        else {
          const found = await readInGatewayBucket(principal, { bucket, key })
          if (found && !(await found.accepts(await store.headObject({ bucket, key })))) throw noSuchKey()
        }
        return { bucket: null }
      }
      if (action === 's3:CreateBucket') {
        if (principal.kind === 'anonymous') throw denied()
        return { bucket: null }
      }
      const info = await store.headBucket(bucket)
      if (isOwner(who, info) && neverDeniedToOwner.has(action)) return { bucket: info }
      const verdict = await verdictOf(who, action, on, info)
      if (verdict === 'deny') throw denied()
      if (isOwner(who, info) || (await isAllowed(who, action, on, info, verdict))) return { bucket: info }
      throw denied()
    },

    async allowDeletes(who, bucket) {
      if (bucket === gatewayBucket) {
        allowInGatewayBucket(who.principal, 's3:DeleteObject')
        return { bucket: null, allow: async () => {} }
      }
      const info = await store.headBucket(bucket)
      const objects = await inBucket(who, 's3:DeleteObject', info)
      const versions = await inBucket(who, 's3:DeleteObjectVersion', info)
      if (!objects.isPossible && !versions.isPossible) throw denied()
      const allow: AllowedDeletes['allow'] = (key, versionId) =>
        versionId === undefined ? objects.allow({ bucket, key }) : versions.allow({ bucket, key, versionId })
      return { bucket: info, allow }
    },
  }
  return access
}

/** Actions that are allowed to everyone on a public file of the gateway. */
const publicReads: ReadonlySet<S3Action> = new Set<S3Action>([
  's3:GetObject',
  's3:GetObjectVersion',
  's3:GetObjectAttributes',
  's3:GetObjectVersionAttributes',
])

const isMissing = (error: unknown): boolean => isStorageError(error, 'NotFound', 'NoSuchVersion', 'IsDeleteMarker')
const isOwner = ({ principal }: Requester, { owner }: BucketInfo): boolean =>
  principal.kind === 'key' && principal.owner === owner

const isAllow = ({ effect }: Candidate): boolean => effect === 'Allow'
const isFinalDeny = ({ effect, conditions }: Candidate): boolean => effect === 'Deny' && conditions.length === 0
const isNoTag = (name: string): boolean => !usesExistingTags(name) && !usesRequestTags(name)
const uses = (candidates: readonly Candidate[], isUsed: (name: string) => boolean): boolean =>
  candidates.some(({ conditions }) => conditions.some(({ key }) => isUsed(key)))

const setsLock = new Set<S3Action>(['s3:PutObjectRetention', 's3:PutObjectLegalHold'])
const isNewObject = (action: S3Action): boolean => action === 's3:PutObject'

/** `x-amz-tagging` of a write. */
const taggingOf = ({ headers }: Requester): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(headers.get('x-amz-tagging') ?? ''))

/** Below the public prefix, objects that are not served look like missing ones. */
export const noSuchKey = (): StorageError =>
  new StorageError('NotFound', { message: 'The specified key does not exist.' })

export const denied = (): StorageError => new StorageError('AccessDenied', { message: 'Access Denied' })
