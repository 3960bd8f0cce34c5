import type { Catalog } from '../catalog/catalog.ts'

/** The owner of a key in the gateway's bucket. null for unknown keys and other buckets. */
export type OwnerOfKey = (bucket: string | null, key: string | null) => Promise<string | null>

/** Number of cached owners. The owner of an issued key never changes. */
const maxRemembered = 5000

/** Asks the catalog once per key. Unknown keys are looked up again. */
export function createOwnerOfKey(o: { catalog: Pick<Catalog, 'findUploadByKey'>; bucket: string }): OwnerOfKey {
  const owners = new Map<string, string>()
  return async (bucket, key) => {
    if (bucket !== o.bucket || key === null) return null
    const known = owners.get(key)
    if (known !== undefined) return known
    const owner = (await o.catalog.findUploadByKey(key))?.file.owner ?? null
    if (owner === null) return null
    owners.set(key, owner)
    for (const oldest of owners.keys()) {
      if (owners.size <= maxRemembered) break
      owners.delete(oldest)
    }
    return owner
  }
}
