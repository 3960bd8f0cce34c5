import type { Upload } from '../../catalog/catalog.ts'
import type { ServiceDeps } from '../deps.ts'

/**
 * The collector's pending work. `overdue`: unconfirmed uploads past their deadline. `toClear`: settled, deleted or
 * expired uploads whose URLs have expired, so that leftovers at their keys can be deleted. `idle`: multipart uploads of
 * access keys.
 */
export type Due = { overdue: number; toClear: number; idle: number }

const pageSize = 500

/** Errors: those of the catalog and the store. */
export async function countDue(deps: Pick<ServiceDeps, 'catalog' | 'stores' | 'config' | 'now'>): Promise<Due> {
  const { catalog } = deps
  const at = deps.now()
  return {
    overdue: await count((after) => catalog.overdueUploads(at, pageSize, after)),
    toClear: await count((after) => catalog.removableGrants(at, pageSize, after)),
    idle: await collectIdleUploads(deps, { remove: false }),
  }
}

async function count(page: (after?: Upload) => Promise<Upload[]>): Promise<number> {
  let counted = 0
  for (let uploads = await page(); uploads.length > 0; uploads = await page(uploads.at(-1))) counted += uploads.length
  return counted
}

type Deps = Pick<ServiceDeps, 'stores' | 'config' | 'now'>

/**
 * Aborts multipart uploads of access keys that have received no part for `storage.abortMultipartAfter`, or only counts
 * them. Uploads of the JSON API expire with their grants. Errors: those of the store.
 */
export async function collectIdleUploads(
  { stores, config, now }: Deps,
  o: { remove: boolean; signal?: AbortSignal },
): Promise<number> {
  const after = config.storage.abortMultipartAfter
  if (after === null) return 0
  const idleSince = new Date(now().getTime() - after * 1000)
  let counted = 0
  for (const store of stores.all) counted += (await store.abortIdleUploads?.({ ...o, idleSince })) ?? 0
  return counted
}
