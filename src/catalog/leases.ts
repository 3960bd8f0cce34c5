/**
 * Leases: names that one process holds for a time. A row instead of a database lock, because it outlives connections.
 */
import type { Kysely } from 'kysely'
import type { Lease } from './catalog.ts'
import type { Schema } from './schema.ts'

/**
 * Milliseconds. A lease that expires more than this after the requested time was taken with a wrong clock and is
 * ignored.
 */
const maxLead = 3_600_000

export async function takeLease(
  db: Kysely<Schema>,
  name: string,
  o: { holder: string; now: Date; until: Date; note?: string },
): Promise<boolean> {
  const mine = { holder: o.holder, expires_at: o.until.getTime(), note: o.note ?? null }
  const row = await db
    .insertInto('leases')
    .values({ name, ...mine })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet(mine)
        .where((eb) =>
          eb.or([
            eb('leases.holder', '=', o.holder),
            eb('leases.expires_at', '<=', o.now.getTime()),
            eb('leases.expires_at', '>', o.until.getTime() + maxLead),
          ]),
        ),
    )
    .returning('name')
    .executeTakeFirst()
  return row !== undefined
}

export async function dropLease(db: Kysely<Schema>, name: string, holder: string): Promise<void> {
  await db.deleteFrom('leases').where('name', '=', name).where('holder', '=', holder).execute()
}

export async function listLeases(db: Kysely<Schema>, prefix: string, now: Date): Promise<Lease[]> {
  const rows = await db
    .selectFrom('leases')
    .selectAll()
    .where('expires_at', '>', now.getTime())
    .orderBy('name')
    .execute()
  return rows
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ name, holder, expires_at, note }) => ({ name, holder, expiresAt: new Date(Number(expires_at)), note }))
}

/** Deletes leases of processes that stopped long ago. */
export async function forgetLeases(db: Kysely<Schema>, before: Date): Promise<void> {
  await db.deleteFrom('leases').where('expires_at', '<', before.getTime()).execute()
}
