/** The drivers that a configuration can name. To add one, write a folder with a `registration.ts` and list it here. */
import { disk } from './disk/registration.ts'
import type { DriverRegistration } from './registration.ts'
import { s3 } from './s3/registration.ts'

const builtIn = [disk, s3] as const

const registered: DriverRegistration[] = [...builtIn]

/** Adds a driver from outside `builtIn`. Must be called before the configuration's schema is first imported. */
export const registerDriver = (registration: DriverRegistration): void => void registered.push(registration)

export const registrations = (): readonly DriverRegistration[] => registered

export function registrationOf(name: string): DriverRegistration {
  const found = registered.find((one) => one.name === name)
  if (!found) throw new Error(`There is no storage driver named ${name}.`)
  return found
}

type BuiltIn = (typeof builtIn)[number]
type Sections = { [R in BuiltIn as R['name']]: R['configSchema'] }

/** The schema of `storage.<name>` of every driver with settings. */
export const settingSections = (): Sections =>
  Object.fromEntries(
    registered
      .filter(({ configSchema }) => Object.keys(configSchema.shape).length > 0)
      .map(({ name, configSchema }) => [name, configSchema]),
  ) as Sections

/** Commands for stores in a folder (see `DriverRegistration.folder`). */
export type FolderTools = typeof import('./disk/folder-tools.ts')

export const folderTools = (): Promise<FolderTools> => import('./disk/folder-tools.ts')

/** The current store's folder and its commands. null if the current store is not a folder. */
export function folderStore(storage: { driver: string }): { path: string; tools: () => Promise<FolderTools> } | null {
  const registration = registrationOf(storage.driver)
  const path = registration.folder?.(settingsOf(storage, registration))
  return path === undefined ? null : { path, tools: folderTools }
}

/** The settings of one driver from the configuration. */
export function settingsOf(storage: object, { name, configSchema }: DriverRegistration): Record<string, unknown> {
  return ((storage as Record<string, unknown>)[name] ?? configSchema.parse({})) as Record<string, unknown>
}
