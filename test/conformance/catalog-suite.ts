/** Tests every obligation in src/catalog/catalog.ts. Each implementation runs this file. */
import { describe } from 'vitest'
import { dueObligations } from './catalog/overdue-uploads.ts'
import { fileObligations } from './catalog/files.ts'
import { leaseObligations } from './catalog/leases.ts'
import { linkObligations } from './catalog/links.ts'
import { modelObligations } from './catalog/model.ts'
import { moveObligations } from './catalog/moves.ts'
import { pendingObligations } from './catalog/pending.ts'
import { storeObligations } from './catalog/stores.ts'
import { totalsObligations } from './catalog/totals.ts'
import { uploadObligations } from './catalog/uploads.ts'
import { webhookObligations } from './catalog/webhooks.ts'
import type { MakeCatalog } from './catalog/fixtures.ts'

/** `make` hands out a migrated, empty catalog; the suite closes it. */
export function catalogSuite(name: string, make: MakeCatalog): void {
  describe(`catalog: ${name}`, () => {
    uploadObligations(make)
    fileObligations(make)
    dueObligations(make)
    pendingObligations(make)
    leaseObligations(make)
    linkObligations(make)
    moveObligations(make)
    storeObligations(make)
    totalsObligations(make)
    webhookObligations(make)
    modelObligations(make)
  })
}
