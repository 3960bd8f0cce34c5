/** Deliveries of events to subscribers, and their attempts. */
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { Schema, WebhookDeliveryRow, WebhookEventRow } from './schema.ts'
import type { Attempt, Delivery, DeliveryState } from './webhook-catalog.ts'

/** Maximum attempts in the log of one delivery. */
const attemptsKept = 20

const columns = ['event_id', 'url', 'type', 'created_at', 'data', 'state', 'tries', 'next_at', 'attempts'] as const

type Row = WebhookDeliveryRow & Pick<WebhookEventRow, 'type' | 'created_at' | 'data'>
type WrittenAttempt = Omit<Attempt, 'at'> & { at: number }

const toDelivery = (row: Row): Delivery => ({
  eventId: row.event_id,
  url: row.url,
  type: row.type,
  at: new Date(Number(row.created_at)),
  data: row.data,
  state: row.state,
  tries: Number(row.tries),
  nextAt: row.next_at === null ? null : new Date(Number(row.next_at)),
  attempts: attemptsOf(row.attempts).map(({ at, ...attempt }) => ({ at: new Date(at), ...attempt })),
})

const attemptsOf = (text: string): WrittenAttempt[] => JSON.parse(text) as WrittenAttempt[]

const deliveries = (db: Kysely<Schema>) =>
  db
    .selectFrom('webhook_deliveries')
    .innerJoin('webhook_events', 'webhook_events.id', 'webhook_deliveries.event_id')
    .select(columns)

export async function dueDeliveries(
  db: Kysely<Schema>,
  url: string,
  { now, limit }: { now: Date; limit: number },
): Promise<Delivery[]> {
  const rows = await deliveries(db)
    .where('webhook_deliveries.url', '=', url)
    // A literal, because a database uses a partial index only if the statement's text implies its condition.
    .where('state', '=', sql.lit<DeliveryState>('pending'))
    .where('next_at', '<=', now.getTime())
    .where((eb) => eb.not(eb.exists(eb.selectFrom('webhooks_off').select('url').where('webhooks_off.url', '=', url))))
    .orderBy('next_at')
    .orderBy('event_id')
    .limit(limit)
    .execute()
  return rows.map(toDelivery)
}

/** Keeps `delivered`. The failed attempt of a slow process must not make the delivery pending again. */
const unlessDelivered = <T extends string | number | null>(column: 'state' | 'next_at', value: T) =>
  sql<T>`case when state = 'delivered' then ${sql.ref(column)} else ${value} end`

export const recordAttempt = (
  db: Kysely<Schema>,
  { eventId, url }: Pick<Delivery, 'eventId' | 'url'>,
  o: { attempt: Attempt; state: DeliveryState; nextAt: Date | null },
): Promise<void> =>
  db.transaction().execute(async (tx) => {
    // The count locks the row first, so that the log keeps both of two concurrent attempts.
    const row = await tx
      .updateTable('webhook_deliveries')
      .set((eb) => ({
        tries: eb('tries', '+', 1),
        state: unlessDelivered('state', o.state),
        next_at: unlessDelivered('next_at', o.nextAt?.getTime() ?? null),
      }))
      .where('event_id', '=', eventId)
      .where('url', '=', url)
      .returning('attempts')
      .executeTakeFirst()
    if (row === undefined) return
    const attempt: WrittenAttempt = { ...o.attempt, at: o.attempt.at.getTime() }
    await tx
      .updateTable('webhook_deliveries')
      .set({ attempts: JSON.stringify([...attemptsOf(row.attempts), attempt].slice(-attemptsKept)) })
      .where('event_id', '=', eventId)
      .where('url', '=', url)
      .execute()
  })

export async function listDeliveries(
  db: Kysely<Schema>,
  o: { eventId?: string; state?: DeliveryState; limit: number },
): Promise<Delivery[]> {
  let query = deliveries(db)
  if (o.eventId !== undefined) query = query.where('event_id', '=', o.eventId)
  if (o.state !== undefined) query = query.where('state', '=', o.state)
  const rows = await query
    .orderBy('created_at', 'desc')
    .orderBy('event_id', 'desc')
    .orderBy('url')
    .limit(o.limit)
    .execute()
  return rows.map(toDelivery)
}

export async function replayEvent(db: Kysely<Schema>, eventId: string, now: Date): Promise<number> {
  const { numUpdatedRows } = await db
    .updateTable('webhook_deliveries')
    .set({ state: 'pending', tries: 0, next_at: now.getTime() })
    .where('event_id', '=', eventId)
    .executeTakeFirst()
  return Number(numUpdatedRows)
}

export async function switchOff(db: Kysely<Schema>, url: string, now: Date): Promise<void> {
  await db
    .insertInto('webhooks_off')
    .values({ url, since: now.getTime() })
    .onConflict((conflict) => conflict.column('url').doNothing())
    .execute()
}

export async function switchOn(db: Kysely<Schema>, url: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('webhooks_off').where('url', '=', url).executeTakeFirst()
  return Number(numDeletedRows) > 0
}

export async function switchedOff(db: Kysely<Schema>): Promise<{ url: string; since: Date }[]> {
  const rows = await db.selectFrom('webhooks_off').selectAll().orderBy('url').execute()
  return rows.map(({ url, since }) => ({ url, since: new Date(Number(since)) }))
}

export const forgetDeliveries = (db: Kysely<Schema>, before: { delivered: Date; any: Date }): Promise<number> =>
  db.transaction().execute(async (tx) => {
    const older = (than: Date) => tx.selectFrom('webhook_events').select('id').where('created_at', '<', than.getTime())
    const { numDeletedRows } = await tx
      .deleteFrom('webhook_deliveries')
      .where((eb) =>
        eb.or([
          eb('event_id', 'in', older(before.any)),
          eb.and([eb('state', '=', 'delivered'), eb('event_id', 'in', older(before.delivered))]),
        ]),
      )
      .executeTakeFirst()
    await tx
      .deleteFrom('webhook_events')
      .where('created_at', '<', Math.max(before.any.getTime(), before.delivered.getTime()))
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('webhook_deliveries')
              .select('event_id')
              .whereRef('webhook_deliveries.event_id', '=', 'webhook_events.id'),
          ),
        ),
      )
      .execute()
    return Number(numDeletedRows)
  })
