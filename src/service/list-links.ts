import type { Link } from '../catalog/catalog.ts'
import type { ServiceDeps } from './deps.ts'
import { getFile } from './get-file.ts'

/** The links of a file, newest first. Errors: NotFound. */
export async function listLinks(deps: ServiceDeps, owner: string, id: string): Promise<Link[]> {
  await getFile(deps, owner, id)
  return deps.catalog.listLinks(owner, id)
}
