import type { FilePage } from '../catalog/catalog.ts'
import type { ServiceDeps } from './deps.ts'
import { settleAutoConfirm } from './settle-auto-confirm.ts'

/** A page of the owner's files, newest first. Errors: InvalidArgument for a cursor that is none. */
export async function listFiles(
  deps: ServiceDeps,
  owner: string,
  o: { limit: number; cursor?: string; q?: string },
): Promise<FilePage> {
  await settleAutoConfirm(deps, owner)
  return deps.catalog.listFiles(owner, o)
}
