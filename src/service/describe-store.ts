import { registrationOf, settingsOf } from '../drivers/registry.ts'
import type { StoreDescription } from '../drivers/registration.ts'
import type { ServiceDeps } from './deps.ts'

/** Where bytes go. */
export function describeStore({ config: { storage } }: Pick<ServiceDeps, 'config'>): Promise<StoreDescription> {
  const registration = registrationOf(storage.driver)
  return registration.describe(settingsOf(storage, registration), storage)
}
