/** Records an event of a file in the transaction that changes the file. */
import { randomUUID } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { FileRecord } from './catalog.ts'
import { recordJson } from './record-json.ts'
import type { Schema } from './schema.ts'
import type { EventType, Subscriber } from './webhook-catalog.ts'

/** The subscribers. Without subscribers nothing is written. */
export type Outbox = readonly Subscriber[]

export async function note(
  tx: Transaction<Schema>,
  outbox: Outbox,
  type: EventType,
  file: FileRecord,
  now: Date,
): Promise<void> {
  const urls = outbox.filter(({ events }) => events.includes(type)).map(({ url }) => url)
  if (urls.length === 0) return
  const id = `msg_${randomUUID().replaceAll('-', '')}`
  const created_at = now.getTime()
  await tx
    .insertInto('webhook_events')
    .values({ id, type, created_at, data: JSON.stringify({ owner: file.owner, ...recordJson(file) }) })
    .execute()
  const delivery = { event_id: id, state: 'pending' as const, tries: 0, next_at: created_at, attempts: '[]' }
  await tx
    .insertInto('webhook_deliveries')
    .values(urls.map((url) => ({ ...delivery, url })))
    .execute()
}
