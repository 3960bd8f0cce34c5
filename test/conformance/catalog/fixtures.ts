import { afterEach, beforeEach } from 'vitest'
import type { Catalog, Subscriber, Upload } from '../../../src/catalog/catalog.ts'
import { facts, newUpload, type Overrides } from './new-upload.ts'

export { at, facts, newUpload, noQuota } from './new-upload.ts'

/** `subscribers`: whom its outbox is for; default: nobody. */
export type MakeCatalog = (subscribers?: readonly Subscriber[]) => Promise<Catalog>

/** A fresh catalog for each test of the enclosing block. */
export function useCatalog(make: MakeCatalog): { readonly catalog: Catalog } {
  let catalog: Catalog
  beforeEach(async () => {
    catalog = await make()
  })
  afterEach(() => catalog.close())
  return {
    get catalog() {
      return catalog
    },
  }
}

export const ids = (uploads: readonly Upload[]): string[] => uploads.map((upload) => upload.file.id)

/** Creates and confirms in one go. */
export async function confirmedFile(catalog: Catalog, o: Overrides = {}): Promise<Upload> {
  const upload = await catalog.createUpload(newUpload(o))
  await catalog.confirmUpload(upload.file.id, facts(upload))
  return upload
}
