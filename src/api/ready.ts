/** The error while the server is not ready: the reason, as far as the client may see it, and the time of the check. */
import type { Context } from 'koa'
import { StorageError } from '../errors.ts'
import type { Finding } from '../service/stores/readiness.ts'
import type { ApiDeps } from './deps.ts'
import { isOnLoopback } from './origin.ts'

/** Seconds until the next check has run. */
const retryAfter = 5

/** Errors: Unavailable and InsufficientStorage, with the reason. */
export async function demandReady(ctx: Context, deps: ApiDeps): Promise<Extract<Finding, { ready: true }>> {
  const finding = await deps.readiness.read()
  if (finding.ready) return finding
  const { code, summary, reason, checkedAt } = finding
  const isOperator = isOnLoopback(ctx.req, { config: deps.config, apiUrl: deps.urls.api() })
  throw new StorageError(code, {
    message: reason,
    publicMessage: `No uploads are accepted now. ${sentence(isOperator ? reason : summary)} Retry in ${retryAfter} s.`,
    retryAfter,
    details: ageOf(checkedAt, deps),
  })
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)

/** The time of the check and its age in seconds. */
export const ageOf = (checkedAt: Date, { now }: Pick<ApiDeps, 'now'>): { checkedAt: string; ageSeconds: number } => ({
  checkedAt: checkedAt.toISOString(),
  ageSeconds: Math.max(0, Math.round((now().getTime() - checkedAt.getTime()) / 1000)),
})
