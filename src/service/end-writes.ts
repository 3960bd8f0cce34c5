import type { ObjectRef } from '../drivers/driver.ts'
import type { ServiceDeps } from './deps.ts'

/** Aborts the running writes of a deleted upload. A silent worker delays no deletion: the collector removes what it writes. */
export async function endWrites(deps: ServiceDeps, target: ObjectRef, file: string): Promise<void> {
  try {
    await deps.endWrites?.(target)
  } catch (err) {
    deps.log.warn({ err, file }, 'running writes of a deleted upload could not be aborted')
  }
}
