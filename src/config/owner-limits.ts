import type { Config } from './config.ts'

/** The quota of an owner of access keys. Null means no limit. */
export function ownerLimits({ quotas }: Pick<Config, 'quotas'>): { bytes: number | null; objects: number | null } {
  const { ownerBytes, ownerObjects, userBytes, userFiles } = quotas
  return {
    bytes: ownerBytes === 'auto' ? userBytes : ownerBytes,
    objects: ownerObjects === 'auto' ? userFiles : ownerObjects,
  }
}
