/** Opens the store and the catalog for a command. Creates nothing that is missing. */
import { dirname, resolve } from 'node:path'
import { isThere } from '../cannot-open.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import type { Config } from '../config/config.ts'
import { keyFilePath } from '../config/key-file.ts'
import { readSecrets, secretsPath, type Secrets } from '../config/secrets.ts'
import type { StorageDriver } from '../drivers/driver.ts'
import { registrations, settingsOf } from '../drivers/registry.ts'
import { CliError } from './cli-error.ts'
import { stateFolder } from '../config/state-folder.ts'

/** null if the database is not a file. */
export const catalogFile = (config: Config): string | null =>
  /^sqlite:(?!:memory:$)(.+)$/.exec(config.database.url)?.[1] ?? null

export const noStore = (path: string): CliError =>
  new CliError(`There is no store at ${resolve(path)}. Name its folder with --storage.`, 1)

/** Whether a server or a restore has used the folder. */
export function hasStore(config: Config): boolean {
  const folder = stateFolder(config)
  const catalog = catalogFile(config)
  const files = [secretsPath(folder), keyFilePath(folder)]
  if (catalog !== null && dirname(resolve(catalog)) === resolve(folder)) files.push(catalog)
  if (files.some(isThere)) return true
  return registrations().some((one) => one.folder && one.isConfigured(settingsOf(config.storage, one)))
}

/** Errors: CliError if there is no store. */
export function requireStore(config: Config): void {
  if (!hasStore(config)) throw noStore(stateFolder(config))
}

/** The secrets of a store that exists. Errors: CliError if there is no store, or if it has lost its secrets. */
export function existingSecrets(config: Config): Secrets {
  requireStore(config)
  const folder = stateFolder(config)
  const secrets = readSecrets(folder)
  if (secrets === null) {
    throw new CliError(
      `${resolve(secretsPath(folder))} is missing. Restore it from a backup, or start the server, which creates new secrets.`,
      1,
    )
  }
  const { secret } = config.auth
  return secret === 'auto' ? secrets : { ...secrets, jwtSecret: secret }
}

/** Errors: CliError if the catalog is a file that is missing. */
export function requireCatalog(config: Config): void {
  const file = catalogFile(config)
  if (file === null || isThere(file)) return
  requireStore(config)
  throw new CliError(`There is no catalog at ${file}. Name its file with --set database.url=sqlite:PATH.`, 1)
}

/** Errors: CliError if the catalog is missing or its schema has another version. */
export async function openCatalog(config: Config): Promise<Catalog> {
  requireCatalog(config)
  const { createCatalog } = await import('../catalog/create-catalog.ts')
  const catalog = await createCatalog({ url: config.database.url, subscribers: config.webhooks })
  const waiting = (await catalog.migrationStatus()).filter(({ appliedAt }) => appliedAt === null)
  if (waiting.length === 0) return catalog
  await catalog.close()
  throw new CliError('The catalog was written by an older version. Run postern db migrate, then run this again.', 1)
}

/** Signs nothing, so it needs no secrets. Errors: Unavailable if store and catalog do not belong together. */
export async function openDriver(config: Config, catalog: Catalog): Promise<StorageDriver> {
  const [{ createStorage }, { createLogger }] = await Promise.all([
    import('../storage.ts'),
    import('../http/logger.ts'),
  ])
  const secrets = readSecrets(stateFolder(config)) ?? noSecrets
  return createStorage(config, { secrets, catalog, log: createLogger({ ...config.log, level: 'warn' }) })
}

/** The configured stores that are not current, for commands that work on all stores. */
export async function openOthers(loaded: LoadedConfig, catalog: Catalog): Promise<StorageDriver[]> {
  const { otherStores } = await import('../storage.ts')
  const configured = otherStores(loaded.config, loaded).filter(({ isConfigured }) => isConfigured)
  return Promise.all(configured.map(({ config }) => openDriver(config, catalog)))
}

const noSecrets: Secrets = { version: 1, jwtSecret: '', signing: { accessKeyId: '', secretAccessKey: '' } }
