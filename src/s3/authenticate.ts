import { verifyRequest } from '../sigv4/verify-request.ts'
import type { Verified } from '../sigv4/types.ts'
import type { ObjectsDeps, Principal } from './context.ts'

type SignedHttpRequest = { method?: string | undefined; url?: string | undefined; rawHeaders: readonly string[] }

/**
 * Who asks, by the signature alone: nothing has been looked up yet. A request without any signature is anonymous; one
 * with a wrong signature is a SignatureError, never anonymous.
 */
export function authenticate(
  req: SignedHttpRequest,
  deps: Pick<ObjectsDeps, 'keys' | 'region' | 'pathPrefix' | 'gatewayOwner' | 'now'>,
): { principal: Principal; verified: Verified | null } {
  const verified = verifyRequest(
    { method: req.method ?? '', target: req.url ?? '', rawHeaders: req.rawHeaders, pathPrefix: deps.pathPrefix() },
    { region: deps.region, service: 's3', keys: deps.keys, now: deps.now() },
  )
  if (verified === null) return { principal: { kind: 'anonymous' }, verified }
  return { principal: principalOf(verified.owner, deps.gatewayOwner), verified }
}

export const principalOf = (owner: string, gatewayOwner: string): Principal => ({
  kind: 'key',
  owner,
  gateway: owner === gatewayOwner,
})
