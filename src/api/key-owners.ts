import type { Catalog } from '../catalog/catalog.ts'

/** Whose upload a key of the gateway's bucket is; null where it is nobody's, or of another bucket. */
export type OwnerOfKey = (bucket: string | null, key: string | null) => Promise<string | null>

/** Keys whose owner is remembered: issued once, a key never changes hands. */
const maxRemembered = 5000

/** Asks the catalog once a key. What is nobody's yet is asked again. */
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
