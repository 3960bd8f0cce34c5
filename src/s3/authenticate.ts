import type { IncomingMessage } from 'node:http'
import { verifyRequest } from '../sigv4/verify-request.ts'
import { SignatureError, type Verified } from '../sigv4/types.ts'
import { version2Refused } from '../sigv4/version-2/refused.ts'
import { readHeaders, type ObjectsDeps, type Principal } from './context.ts'
import { bucketOfHost } from './target.ts'

type SignedHttpRequest = {
  method?: string | undefined
  url?: string | undefined
  rawHeaders: readonly string[]
  /** The received request. Other requests are variants of it. */
  received: IncomingMessage
}

export const asReceived = (req: IncomingMessage): SignedHttpRequest => ({
  method: req.method,
  url: req.url,
  rawHeaders: req.rawHeaders,
  received: req,
})

/**
 * Identifies the principal by the signature alone, before any lookup. A request without a signature is anonymous. An
 * invalid signature is a SignatureError, never anonymous.
 */
export function authenticate(
  req: SignedHttpRequest,
  deps: Pick<
    ObjectsDeps,
    'keys' | 'region' | 'pathPrefix' | 'gatewayOwner' | 'now' | 'virtualHosts' | 'acceptsVersion2'
  >,
): { principal: Principal; verified: Verified | null } {
  const verified = verifyRequest(
    { method: req.method ?? '', target: req.url ?? '', rawHeaders: req.rawHeaders, pathPrefix: deps.pathPrefix() },
    {
      region: deps.region,
      service: 's3',
      keys: deps.keys,
      now: deps.now(),
      version2: {
        accepted: () => acceptsVersion2(req.received, deps),
        hostBucket: bucketOfHost(req.received.headers.host ?? '', deps.virtualHosts),
      },
    },
  )
  if (verified === null) return { principal: { kind: 'anonymous' }, verified }
  refuseVersion2OfGateway(verified, deps)
  return { principal: principalOf(verified.owner, deps.gatewayOwner), verified }
}

export const acceptsVersion2 = (req: IncomingMessage, deps: Pick<ObjectsDeps, 'acceptsVersion2'>): boolean =>
  deps.acceptsVersion2?.(req) ?? false

/** The gateway signs with version 4 only, because version 2 cannot bind what a grant binds. */
export function refuseVersion2OfGateway(
  { version, owner }: Pick<Verified, 'version' | 'owner'>,
  { gatewayOwner }: Pick<ObjectsDeps, 'gatewayOwner'>,
): void {
  if (version === 2 && owner === gatewayOwner) throw version2Refused('gateway')
}

type Identified = ReturnType<typeof authenticate>
type IdentifyDeps = Parameters<typeof authenticate>[1] & Pick<ObjectsDeps, 'isOwnToken'>

/**
 * Like `authenticate`, but also accepts the API's bearer token next to a valid presigned URL on a read. A client that
 * follows an API redirect within one origin sends its token along. Only the URL decides what is allowed.
 */
export async function identify(req: SignedHttpRequest, deps: IdentifyDeps): Promise<Identified> {
  const token = bearerToken(req)
  if (token !== null && deps.isOwnToken !== undefined) {
    const byUrl = byUrlAlone(req, deps)
    // Check the signature first, because verifying a token may need a network request.
    if (byUrl !== null && (await deps.isOwnToken(token))) return byUrl
  }
  return authenticate(req, deps)
}

/** The token of a read without another Authorization header. */
function bearerToken({ method, rawHeaders }: SignedHttpRequest): string | null {
  if (method !== 'GET' && method !== 'HEAD') return null
  const value = readHeaders(rawHeaders).get('authorization') ?? ''
  return /^Bearer +([\w.~+/=-]+) *$/i.exec(value)?.[1] ?? null
}

/** null unless the URL is presigned and valid. */
function byUrlAlone(req: SignedHttpRequest, deps: IdentifyDeps): Identified | null {
  const isKept = (at: number): boolean => req.rawHeaders[at - (at % 2)]?.toLowerCase() !== 'authorization'
  try {
    const found = authenticate({ ...req, rawHeaders: req.rawHeaders.filter((_, at) => isKept(at)) }, deps)
    return found.verified?.via === 'query' ? found : null
  } catch (error) {
    if (error instanceof SignatureError) return null
    throw error
  }
}

export const principalOf = (owner: string, gatewayOwner: string): Principal => ({
  kind: 'key',
  owner,
  gateway: owner === gatewayOwner,
})
