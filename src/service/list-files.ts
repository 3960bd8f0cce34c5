import type { FilePage } from '../catalog/catalog.ts'
import type { ServiceDeps } from './deps.ts'

/** A page of the owner's files, newest first. Never asks the store. Errors: InvalidArgument for a cursor that is none. */
export async function listFiles(
  deps: ServiceDeps,
  owner: string,
  o: { limit: number; cursor?: string; q?: string },
): Promise<FilePage> {
  return deps.catalog.listFiles(owner, o)
}
