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

/** Milliseconds that a receiver has for its answer. */
export const answerWithin = 10_000

/**
 * Tells one receiver of one event and records how it went. An attempt that `signal` ends is not recorded, and so is made
 * again: a message comes at least once. Rejects with the catalog's errors.
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
    deps.log.warn(facts, 'a webhook answered 410 and is switched off: `postern webhooks test` switches it on again')
  } else if (state === 'failed') deps.log.warn(facts, 'a webhook was not delivered and is given up')
  else if (state === 'pending') deps.log.info(facts, 'a webhook was not delivered: it is tried again')
}

export const isSuccess = ({ status }: Posted): boolean => status !== null && status >= 200 && status < 300

/** What is wrong with an answer, in words; null where nothing is. */
export function errorOf(posted: Posted): string | null {
  if (posted.status === null) return posted.error
  if (isSuccess(posted)) return null
  const redirect = posted.status >= 300 && posted.status < 400
  return `answered ${posted.status}${redirect ? ': redirects are not followed' : ''}`
}

function stateAfter(posted: Posted, tries: number): DeliveryState {
  if (isSuccess(posted)) return 'delivered'
  return posted.status === 410 || tries >= mostTries ? 'failed' : 'pending'
}
