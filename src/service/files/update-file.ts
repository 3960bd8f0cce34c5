import type { FileRecord } from '../../catalog/catalog.ts'
import type { ServiceDeps } from '../deps.ts'
import { noteFile } from './note-files.ts'
import { parseFilename, parseMetadata } from './file-fields.ts'
import { getFile, noSuchFile } from './read-files.ts'

/** Renames a file, or replaces its metadata as a whole. Errors: NotFound, InvalidArgument, MetadataTooLarge. */
export async function updateFile(
  deps: ServiceDeps,
  owner: string,
  { id, ...patch }: { id: string; filename?: string; metadata?: Record<string, string> },
): Promise<FileRecord> {
  const changes = {
    ...(patch.filename === undefined ? {} : { filename: parseFilename(patch.filename) }),
    ...(patch.metadata === undefined ? {} : { metadata: parseMetadata(patch.metadata) }),
  }
  await getFile(deps, owner, id)
  const file = await deps.catalog.updateFile(owner, id, changes)
  if (!file) throw noSuchFile(id)
  if (!deps.stores.has(file)) return file
  await noteFile(deps.stores.of(file), file).catch((err: unknown) => {
    deps.log.warn(
      { err, id },
      'could not store the note of a renamed file; postern rebuild-catalog would restore its old name',
    )
  })
  return file
}
