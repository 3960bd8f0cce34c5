import type { Usage } from '../catalog/catalog.ts'
import type { ServiceDeps } from './deps.ts'
import { settleAutoConfirm } from './settle-auto-confirm.ts'

/** `null` in `quota` is unlimited. */
export type UsageReport = Usage & { quota: { bytes: number | null; files: number | null } }

export async function usage(deps: ServiceDeps, owner: string): Promise<UsageReport> {
  await settleAutoConfirm(deps, owner)
  const { userBytes, userFiles } = deps.config.quotas
  return { ...(await deps.catalog.usage(owner)), quota: { bytes: userBytes, files: userFiles } }
}
