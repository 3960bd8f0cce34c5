/** The dependencies of every operation of the driver. */
import type { Connection } from './connection.ts'
import type { StoreKeys } from './bucket-keys.ts'
import type { S3Settings } from './settings.ts'

export type S3Deps = { settings: S3Settings; connection: Connection; keys: StoreKeys }
