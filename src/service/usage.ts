import type { Usage } from '../catalog/catalog.ts'
import type { ServiceDeps } from './deps.ts'

/** `null` in `quota` is unlimited. */
export type UsageReport = Usage & { quota: { bytes: number | null; files: number | null } }

export async function usage(deps: ServiceDeps, owner: string): Promise<UsageReport> {
  const { userBytes, userFiles } = deps.config.quotas
  return { ...(await deps.catalog.usage(owner)), quota: { bytes: userBytes, files: userFiles } }
}
