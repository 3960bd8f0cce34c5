/** The drivers that a configuration can name. A new one is a folder with a `registration.ts`, and a line in `builtIn`. */
import type { z } from 'zod'
import { disk } from './disk/registration.ts'
import type { DriverRegistration } from './registration.ts'
import { s3 } from './s3/registration.ts'

const builtIn = [disk, s3] as const

const registered: DriverRegistration[] = [...builtIn]

/** For drivers outside this repository's list. To be called before the configuration's schema is first imported. */
export const registerDriver = (registration: DriverRegistration): void => void registered.push(registration)

export const registrations = (): readonly DriverRegistration[] => registered

export function registrationOf(name: string): DriverRegistration {
  const found = registered.find((one) => one.name === name)
  if (!found) throw new Error(`There is no storage driver ${name}.`)
  return found
}

type BuiltIn = (typeof builtIn)[number]
type Sections = { [R in BuiltIn as R['name']]: R['configSchema'] }

/** The schema of `storage.<name>` for every driver that has settings. */
export const settingSections = (): Sections =>
  Object.fromEntries(
    registered
      .filter(({ configSchema }) => Object.keys(configSchema.shape).length > 0)
      .map(({ name, configSchema }) => [name, configSchema]),
  ) as Sections

/** The commands of stores in a folder: `DriverRegistration.folder`. */
export type FolderTools = typeof import('./disk/folder-tools.ts')

export const folderTools = (): Promise<FolderTools> => import('./disk/folder-tools.ts')

/** A store in a folder of this machine; null where the driver in use keeps none. */
export function folderStore(storage: { driver: string }): { path: string; tools: () => Promise<FolderTools> } | null {
  const registration = registrationOf(storage.driver)
  const path = registration.folder?.(settingsOf(storage, registration))
  return path === undefined ? null : { path, tools: folderTools }
}

/** The section of one driver, as read. */
export function settingsOf(storage: object, { name, configSchema }: DriverRegistration): z.output<z.ZodObject> {
  return ((storage as Record<string, unknown>)[name] ?? configSchema.parse({})) as z.output<z.ZodObject>
}
