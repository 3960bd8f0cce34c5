/**
 * The catalog port, as far as it is about webhooks: part of `Catalog`, whose rules hold here too. What happens to a file
 * is noted in the transaction in which it happens, for each subscriber of that moment: neither is there without the other.
 */
export const eventTypes = ['file.confirmed', 'file.deleted', 'upload.expired'] as const
export type EventType = (typeof eventTypes)[number]

/** Who is told of what. A subscriber is known by its URL. */
export type Subscriber = { url: string; events: readonly EventType[] }

/** One try to tell a subscriber. `status` is null where no answer came; `error` is null for a success. */
export type Attempt = { at: Date; status: number | null; error: string | null }

/**
 * `pending`: it is tried again at `nextAt`. `delivered`: the subscriber has answered with success. `failed`: it is not
 * tried any more.
 */
export type DeliveryState = 'pending' | 'delivered' | 'failed'

export type Delivery = {
  eventId: string
  url: string
  type: EventType
  /** When it happened. */
  at: Date
  /** The file as it was then, as JSON. */
  data: string
  state: DeliveryState
  /** Since it was noted or replayed. */
  tries: number
  /** null unless it is pending. */
  nextAt: Date | null
  /** The last ones, oldest first. */
  attempts: Attempt[]
}

export interface WebhookCatalog {
  /** Pending deliveries whose time has come, the longest waiting first; none for a subscriber that is switched off. */
  dueDeliveries(url: string, o: { now: Date; limit: number }): Promise<Delivery[]>
  /** Adds the attempt to the log, and counts it. Nothing happens where the event has been forgotten. */
  recordAttempt(
    delivery: Pick<Delivery, 'eventId' | 'url'>,
    o: { attempt: Attempt; state: DeliveryState; nextAt: Date | null },
  ): Promise<void>
  /** Newest first; of one event, or of all. */
  listDeliveries(o: { eventId?: string; state?: DeliveryState; limit: number }): Promise<Delivery[]>
  /** Makes every delivery of the event pending and due, with all tries before it; resolves to their number. */
  replayEvent(eventId: string, now: Date): Promise<number>
  /** Switches a subscriber off: what is pending for it waits. Repeatable; the first time stays. */
  switchOff(url: string, now: Date): Promise<void>
  /** False when it was not off. */
  switchOn(url: string): Promise<boolean>
  switchedOff(): Promise<{ url: string; since: Date }[]>
  /** Forgets deliveries that have succeeded of events before `delivered`, and all of events before `any`. */
  forgetDeliveries(before: { delivered: Date; any: Date }): Promise<number>
}
