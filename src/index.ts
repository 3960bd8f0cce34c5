/** Postern as a library: the two Koa apps to mount in a server of yours, or the storage driver alone. */
export { ConfigError, type ConfigProblem, type Source } from './config/config-error.ts'
export { loadConfig, type LoadedConfig, type LoadOptions } from './config/load-config.ts'
export type { Config } from './config/schema.ts'
export { loadSecrets, type Secrets } from './config/secrets.ts'
export type { ObjectRef, StorageDriver } from './drivers/driver.ts'
export { StorageError, type StorageErrorCode } from './errors.ts'
export { createLogger } from './http/logger.ts'
export { createGateway, createStorage, type Gateway, type GatewayOptions } from './main.ts'
