import type { Upload } from '../catalog/catalog.ts'
import type { ServiceDeps } from './deps.ts'

/**
 * What waits for the collector. `overdue`: never confirmed and past their time. `toClear`: settled, deleted or expired
 * ones whose URLs have ended, so that what is left at their keys can go.
 */
export type Due = { overdue: number; toClear: number }

const pageSize = 500

/** Errors: those of the catalog. */
export async function countDue({ catalog, now }: Pick<ServiceDeps, 'catalog' | 'now'>): Promise<Due> {
  const at = now()
  return {
    overdue: await count((after) => catalog.overdueUploads(at, pageSize, after)),
    toClear: await count((after) => catalog.removableGrants(at, pageSize, after)),
  }
}

async function count(page: (after?: Upload) => Promise<Upload[]>): Promise<number> {
  let counted = 0
  for (let uploads = await page(); uploads.length > 0; uploads = await page(uploads.at(-1))) counted += uploads.length
  return counted
}
