/** Share links. One conditional update counts a use, so that two requests cannot both take the last use. */
import { sql } from 'kysely'
import type { Kysely, Transaction } from 'kysely'
import { StorageError } from '../errors.ts'
import type { FileRecord } from './catalog.ts'
import type { Link, LinkRequest, NewLink } from './link-catalog.ts'
import { toFile } from './rows.ts'
import { fileColumns } from './schema.ts'
import type { LinkRow, Schema } from './schema.ts'

const linkColumns = ['id', 'file_id', 'expires_at', 'max_uses', 'uses', 'created_at'] as const

const toLink = (row: Pick<LinkRow, (typeof linkColumns)[number]>): Link => ({
  id: row.id,
  fileId: row.file_id,
  expiresAt: row.expires_at === null ? null : new Date(Number(row.expires_at)),
  maxUses: row.max_uses === null ? null : Number(row.max_uses),
  uses: Number(row.uses),
  createdAt: new Date(Number(row.created_at)),
})

export const createLink = (db: Kysely<Schema>, owner: string, o: NewLink): Promise<Link | null> =>
  db.transaction().execute(async (tx) => {
    // An update without changes locks the file's row. The count below stays valid until the insert, and deletes wait.
    const held = await tx
      .updateTable('files')
      .set({ status: 'confirmed' })
      .where('id', '=', o.fileId)
      .where('owner', '=', owner)
      .where('status', '=', 'confirmed')
      .returning('id')
      .executeTakeFirst()
    if (held === undefined) return null
    if ((await countLinks(tx, o.fileId)) >= o.mostLinks) throw tooMany(o)
    const row = await tx
      .insertInto('links')
      .values({
        id: o.id,
        file_id: o.fileId,
        token_hash: o.tokenHash,
        expires_at: o.expiresAt?.getTime() ?? null,
        max_uses: o.maxUses,
        uses: 0,
        created_at: o.now.getTime(),
      })
      .returning(linkColumns)
      .executeTakeFirstOrThrow()
    return toLink(row)
  })

async function countLinks(tx: Transaction<Schema>, fileId: string): Promise<number> {
  const row = await tx
    .selectFrom('links')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('file_id', '=', fileId)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

const tooMany = ({ fileId, mostLinks }: NewLink) =>
  new StorageError('QuotaExceeded', {
    resource: `/files/${fileId}`,
    message: `This file has ${mostLinks} links, the maximum, including used-up ones. Delete some first.`,
  })

const ownedFile = (db: Kysely<Schema>, owner: string, fileId: string) =>
  db.selectFrom('files').select('id').where('id', '=', fileId).where('owner', '=', owner)

export async function listLinks(db: Kysely<Schema>, owner: string, fileId: string): Promise<Link[]> {
  const rows = await db
    .selectFrom('links')
    .select(linkColumns)
    .where('file_id', 'in', ownedFile(db, owner, fileId))
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute()
  return rows.map(toLink)
}

export async function deleteLink(db: Kysely<Schema>, owner: string, fileId: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('links')
    .where('id', '=', id)
    .where('file_id', 'in', ownedFile(db, owner, fileId))
    .executeTakeFirst()
  return Number(numDeletedRows) > 0
}

const unexpired = (now: Date) => sql<boolean>`(expires_at is null or expires_at > ${now.getTime()})`

export const followLink = (
  db: Kysely<Schema>,
  tokenHash: string,
  o: LinkRequest,
): Promise<{ link: Link; file: FileRecord; isNew: boolean } | null> =>
  db.transaction().execute(async (tx) => {
    const found = await findLink(tx, tokenHash, o)
    if (found === undefined) return null
    const isKnown = await isRemembered(tx, found.id, o)
    if (!isKnown && found.max_uses !== null && Number(found.uses) >= Number(found.max_uses)) return null
    const isNew = o.count && !isKnown
    const row = isNew ? await recordUse(tx, found.id, o) : found
    const file = await tx
      .selectFrom('files')
      .select(fileColumns)
      .where('id', '=', row.file_id)
      .where('status', '=', 'confirmed')
      .executeTakeFirst()
    return file === undefined ? null : { link: toLink(row), file: toFile(file), isNew }
  })

/** To count, an update without changes locks the link's row until this transaction ends. */
function findLink(tx: Transaction<Schema>, tokenHash: string, { count, now }: LinkRequest) {
  const held = tx
    .updateTable('links')
    .set((eb) => ({ uses: eb.ref('uses') }))
    .where('token_hash', '=', tokenHash)
    .where(unexpired(now))
    .returning(linkColumns)
  const seen = tx.selectFrom('links').select(linkColumns).where('token_hash', '=', tokenHash).where(unexpired(now))
  return (count ? held : seen).executeTakeFirst()
}

async function isRemembered(tx: Transaction<Schema>, id: string, { readers, now }: LinkRequest): Promise<boolean> {
  if (readers.length === 0) return false
  const known = await tx
    .selectFrom('link_readers')
    .select('reader')
    .where('link_id', '=', id)
    .where('reader', 'in', readers)
    .where('expires_at', '>', now.getTime())
    .executeTakeFirst()
  return known !== undefined
}

async function recordUse(tx: Transaction<Schema>, id: string, { remember, until, now }: LinkRequest) {
  await tx.deleteFrom('link_readers').where('link_id', '=', id).where('expires_at', '<=', now.getTime()).execute()
  for (const reader of remember) {
    const row = { link_id: id, reader, expires_at: until.getTime() }
    await tx
      .insertInto('link_readers')
      .values(row)
      .onConflict((c) => c.columns(['link_id', 'reader']).doUpdateSet({ expires_at: row.expires_at }))
      .execute()
  }
  return tx
    .updateTable('links')
    .set((eb) => ({ uses: eb('uses', '+', 1) }))
    .where('id', '=', id)
    .returning(linkColumns)
    .executeTakeFirstOrThrow()
}

export async function isLinkAlive(db: Kysely<Schema>, id: string, now: Date): Promise<boolean> {
  const row = await db.selectFrom('links').select('id').where('id', '=', id).where(unexpired(now)).executeTakeFirst()
  return row !== undefined
}

/** Deletes the links of a file in the transaction that deletes the file. The file's row is deleted later. */
export async function dropLinksOf(tx: Transaction<Schema>, fileId: string): Promise<void> {
  await tx.deleteFrom('links').where('file_id', '=', fileId).execute()
}

export async function forgetLinks(db: Kysely<Schema>, before: Date): Promise<number> {
  await db.deleteFrom('link_readers').where('expires_at', '<', before.getTime()).execute()
  const { numDeletedRows } = await db.deleteFrom('links').where('expires_at', '<', before.getTime()).executeTakeFirst()
  return Number(numDeletedRows)
}
