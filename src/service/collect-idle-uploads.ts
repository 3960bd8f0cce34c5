import type { ServiceDeps } from './deps.ts'

type Deps = Pick<ServiceDeps, 'stores' | 'config' | 'now'>

/**
 * Aborts multipart uploads of access keys that have had no part for `storage.abortMultipartAfter`, or only counts them.
 * Uploads of the JSON API expire by their grants. Errors: those of the store.
 */
export async function collectIdleUploads(
  { stores, config, now }: Deps,
  o: { remove: boolean; signal?: AbortSignal },
): Promise<number> {
  const after = config.storage.abortMultipartAfter
  if (after === null) return 0
  const idleSince = new Date(now().getTime() - after * 1000)
  let counted = 0
  for (const store of stores.all) counted += (await store.abortIdleUploads?.({ ...o, idleSince })) ?? 0
  return counted
}
