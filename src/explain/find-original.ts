import type { Change } from './change.ts'
import type { Difference } from './explanation.ts'
import type { Original, Signatures } from './original.ts'
import type { Claims } from './read-claims.ts'
import { plausibleHeaders } from './plausible-headers.ts'
import { plausibleHosts } from './plausible-hosts.ts'
import { plausibleMethods } from './plausible-methods.ts'
import { plausiblePaths } from './plausible-paths.ts'
import { plausibleQueries } from './plausible-queries.ts'
import { plausibleScopes } from './plausible-scopes.ts'

export type Found = { original: Original; differences: Difference[] }

/**
 * Searches for the original that the signature covers: first with one change, then with two of the most frequent
 * ones. Stops when `signatures` is spent.
 */
export function findOriginal(
  sent: Original,
  claims: Claims,
  signatures: Signatures,
  hosts: readonly string[],
): Found | null {
  const methods = plausibleMethods(sent)
  const queries = plausibleQueries(sent, claims)
  const hostNames = plausibleHosts(sent, claims, hosts)
  const paths = plausiblePaths(sent, claims)
  const headers = plausibleHeaders(sent)
  const one = [methods, hostNames, headers, paths, queries, plausibleScopes(sent)].flat()
  for (const only of one) {
    if (signatures.spent) return null
    const found = attempt(sent, [only], signatures)
    if (found) return found
  }
  const added = queries.filter(({ difference }) => difference.code === 'ParameterAdded')
  const pairs = [
    ...both(methods, headers.filter(isLikely)),
    ...both(methods, hostNames.slice(0, 4)),
    ...both(hostNames.slice(0, 4), headers.filter(isLikely)),
    ...both(hostNames.slice(0, 4), paths),
    ...both(methods, added),
    ...both(added, headers.filter(isLikely)),
  ]
  for (const pair of pairs) {
    if (signatures.spent) return null
    const found = attempt(sent, pair, signatures)
    if (found) return found
  }
  return null
}

function attempt(sent: Original, changes: readonly Change[], signatures: Signatures): Found | null {
  const original = changes.reduce((request, { undo }) => undo(request), sent)
  return signatures.cover(original) ? { original, differences: changes.map(({ difference }) => difference) } : null
}

const both = (a: readonly Change[], b: readonly Change[]): [Change, Change][] =>
  a.flatMap((x) => b.map((y): [Change, Change] => [x, y]))

/** In pairs, only changes that clients make on their own, which keeps the number small. */
const isLikely = ({ difference: { signed } }: Change): boolean =>
  signed === '' ||
  signed === '*' ||
  /^(application\/octet-stream|text\/plain|image\/(jpeg|png)|application\/(pdf|json))$/.test(signed ?? '')
