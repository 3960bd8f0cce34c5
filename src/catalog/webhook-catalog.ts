/**
 * The webhook part of the catalog port. The rules of `Catalog` apply. The transaction that changes a file also records
 * the event, once for each current subscriber, so that neither exists without the other.
 */
export const eventTypes = ['file.confirmed', 'file.deleted', 'upload.expired'] as const
export type EventType = (typeof eventTypes)[number]

/** A subscriber and its event types. The URL identifies the subscriber. */
export type Subscriber = { url: string; events: readonly EventType[] }

/** One attempt to deliver an event. `status` is null without a response. `error` is null for a success. */
export type Attempt = { at: Date; status: number | null; error: string | null }

/**
 * `pending`: the next attempt is at `nextAt`. `delivered`: the subscriber responded with success. `failed`: no more
 * attempts.
 */
export type DeliveryState = 'pending' | 'delivered' | 'failed'

export type Delivery = {
  eventId: string
  url: string
  type: EventType
  /** When the event happened. */
  at: Date
  /** The file at that time, as JSON. */
  data: string
  state: DeliveryState
  /** Attempts since the event was recorded or replayed. */
  tries: number
  /** null unless it is pending. */
  nextAt: Date | null
  /** The last attempts, oldest first. */
  attempts: Attempt[]
}

export interface WebhookCatalog {
  /** Due deliveries, the longest waiting first. None for a subscriber that is switched off. */
  dueDeliveries(url: string, o: { now: Date; limit: number }): Promise<Delivery[]>
  /** Adds the attempt to the log and counts it. Does nothing if the event is deleted. */
  recordAttempt(
    delivery: Pick<Delivery, 'eventId' | 'url'>,
    o: { attempt: Attempt; state: DeliveryState; nextAt: Date | null },
  ): Promise<void>
  /** Deliveries of one event or of all, newest first. */
  listDeliveries(o: { eventId?: string; state?: DeliveryState; limit: number }): Promise<Delivery[]>
  /** Makes every delivery of the event pending and due, with no attempts counted. Resolves to their number. */
  replayEvent(eventId: string, now: Date): Promise<number>
  /** Switches a subscriber off. Its pending deliveries wait. A repeated call keeps the first time. */
  switchOff(url: string, now: Date): Promise<void>
  /** False if it was not switched off. */
  switchOn(url: string): Promise<boolean>
  switchedOff(): Promise<{ url: string; since: Date }[]>
  /** Deletes successful deliveries of events before `delivered`, and all deliveries of events before `any`. */
  forgetDeliveries(before: { delivered: Date; any: Date }): Promise<number>
}
