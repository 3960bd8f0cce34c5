import type { Catalog, Delivery, DeliveryState } from '../catalog/catalog.ts'
import type { Config } from '../config/config.ts'
import { backoff, mostTries } from './backoff.ts'
import { signMessage } from './message.ts'
import { post, type Posted, type Resolve } from './post.ts'

export type Hook = Config['webhooks'][number]

export type DeliverDeps = {
  catalog: Catalog
  now: () => Date
  log: { info(facts: object, message: string): void; warn(facts: object, message: string): void }
  resolve?: Resolve
}

/** Milliseconds until a receiver must have answered. */
export const answerWithin = 10_000

/**
 * Sends one event to one receiver and records the outcome. An attempt that `signal` aborts is not recorded, so it is
 * repeated: delivery is at least once. Errors: those of the catalog.
 */
export async function deliver(deps: DeliverDeps, hook: Hook, delivery: Delivery, signal: AbortSignal): Promise<void> {
  const { eventId: id, type, at, data } = delivery
  const began = deps.now()
  const signed = signMessage({ id, type, at, data: JSON.parse(data) as unknown }, hook.secret, began)
  const posted = await post({
    ...signed,
    url: hook.url,
    allowPrivate: hook.allowPrivate,
    timeout: answerWithin,
    signal,
    ...(deps.resolve && { resolve: deps.resolve }),
  })
  if (posted.status === null && signal.aborted) return
  const error = errorOf(posted)
  const tries = delivery.tries + 1
  const state = stateAfter(posted, tries)
  const nextAt = state === 'pending' ? new Date(began.getTime() + backoff(tries) * 1000) : null
  await deps.catalog.recordAttempt(delivery, { attempt: { at: began, status: posted.status, error }, state, nextAt })
  const facts = { event: id, type, to: new URL(hook.url).origin, tries, error }
  if (posted.status === 410) {
    await deps.catalog.switchOff(hook.url, deps.now())
    deps.log.warn(facts, 'a webhook answered 410 and is disabled. `postern webhooks test` enables it again')
  } else if (state === 'failed') deps.log.warn(facts, 'a webhook was not delivered, and there are no more retries')
  else if (state === 'pending') deps.log.info(facts, 'a webhook was not delivered and will be retried')
}

export const isSuccess = ({ status }: Posted): boolean => status !== null && status >= 200 && status < 300

/** Why a delivery failed, or null if it succeeded. */
export function errorOf(posted: Posted): string | null {
  if (posted.status === null) return posted.error
  if (isSuccess(posted)) return null
  const redirect = posted.status >= 300 && posted.status < 400
  return `answered ${posted.status}${redirect ? ', and redirects are not followed' : ''}`
}

function stateAfter(posted: Posted, tries: number): DeliveryState {
  if (isSuccess(posted)) return 'delivered'
  return posted.status === 410 || tries >= mostTries ? 'failed' : 'pending'
}
