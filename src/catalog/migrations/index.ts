/**
 * All migrations, in the order of their names. A list instead of a scan of this folder, so that sources, compiled files
 * and bundles have the same. Never edit a released migration. Add a new one.
 */
import type { Migration } from 'kysely/migration'
import { files } from './0001-files.ts'
import { leases } from './0002-leases.ts'
import { links } from './0003-links.ts'
import { webhooks } from './0004-webhooks.ts'
import { movedObjects } from './0005-moved-objects.ts'
import { stores } from './0006-stores.ts'
import { writtenBytes } from './0007-written-bytes.ts'
import { contentFacts } from './0008-content-facts.ts'
import { linkReaders } from './0009-link-readers.ts'
import { generations } from './0010-generations.ts'

export const migrations: Readonly<Record<string, Migration>> = {
  '0001-files': files,
  '0002-leases': leases,
  '0003-links': links,
  '0004-webhooks': webhooks,
  '0005-moved-objects': movedObjects,
  '0006-stores': stores,
  '0007-written-bytes': writtenBytes,
  '0008-content-facts': contentFacts,
  '0009-link-readers': linkReaders,
  '0010-generations': generations,
}
