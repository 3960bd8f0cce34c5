/** The description of a driver. `registry.ts` lists all of them. No other file names a driver. */
import type { SigningCredentials } from '../sigv4/types.ts'
import type { Driver, OwnerLimits } from './driver.ts'
import type { PresignerOptions } from './endpoint/presigner.ts'
import type { Expected } from './expected.ts'
import type { Peers } from './peers.ts'

/** A zod object schema. Not `z.ZodObject`: programs that embed Postern see this type without zod. */
type SettingsSchema = {
  readonly shape: object
  readonly _zod: { readonly output: Record<string, unknown> }
  parse(value: unknown): Record<string, unknown>
}
type Output<Schema extends SettingsSchema> = Schema['_zod']['output']

export type DriverRegistration<Schema extends SettingsSchema = SettingsSchema> = {
  /** The value of `storage.driver`, and `store` in the record of each file. Must never change. */
  readonly name: string
  /** The schema of `storage.<name>`. `settings` below is its output. */
  readonly configSchema: Schema
  /** Settings in `storage.<name>` that must never be printed. */
  readonly secretSettings: readonly string[]
  /** Environment variables of other tools, read only with this driver. */
  readonly variables: readonly WellKnownVariable[]
  /** Whether clients can reach the store itself. If not, the objects endpoint serves its objects. */
  readonly hasOwnUrls: boolean
  /** The folder of a store on this machine. One server uses it at a time, and a proxy can send files from it. */
  folder?(settings: Output<Schema>): string
  /** An example of the settings, for messages that say how to configure the store. */
  readonly example: string
  /** The values of `storage.<name>.provider` and their meaning. */
  readonly presets?: Readonly<Record<string, object>>
  /** Checks beyond the schema. `key` is a key of `storage.<name>`. */
  check(settings: Output<Schema>): { key: string; message: string }[]
  /** Whether there is a store to open. Files may still be in a store that is not current. */
  isConfigured(settings: Output<Schema>): boolean
  /** Equal for instances that use the same store, and only for these. */
  identify(settings: Output<Schema>, bucket: string): string
  /** The URL at which clients reach the bucket, for a store with `hasOwnUrls`. */
  publicUrl?(settings: Output<Schema>, bucket: string): string
  /** The key that signs requests to the store. null if the configuration contains none. */
  accessKey?(settings: Output<Schema>): { accessKeyId: string; secretAccessKey: string } | null
  describe(settings: Output<Schema>, o: { bucket: string; delivery: string }): Promise<StoreDescription>
  /** `complete-driver.ts` adds the methods that the driver leaves out. */
  open(settings: Output<Schema>, o: OpenContext): Promise<Driver>
  /** The endpoint that `postern doctor` checks with its own requests. Absent if there is only the objects endpoint. */
  doctorChecks?(
    settings: Output<Schema>,
    o: { bucket: string; now: () => Date },
  ): Promise<Omit<CheckedStore, 'settings'>>
}

/** `key` is the dotted path of a setting. The first variable that is set wins. */
export type WellKnownVariable = {
  key: string
  names: readonly string[]
  /** Applies only if the other setting came from this variable. */
  onlyWith?: { key: string; name: string }
}

export type StoreDescription = {
  /** Shown to every user, so it must not contain local paths or credentials. `driver` is the registration's name. */
  status: { driver: string } & Record<string, unknown>
  /** Shown to the operator. */
  place: { driver: string } & Record<string, unknown>
  /** `place` as one line. */
  line: string
  /** In bytes. null if the system does not report it, absent if the store has no such limit. */
  freeBytes?: number | null
}

/** The S3 endpoint that `postern doctor` checks. */
export type CheckedStore = {
  endpoint: string
  publicEndpoint: string
  region: string
  pathStyle: boolean
  /** Put before every key. */
  prefix: string
  credentials: SigningCredentials
  /** When temporary credentials expire. null if they do not, or if it is unknown. */
  expiration: Date | null
  provider: string
  /** Whether the store enforces the signed content-length of a URL. */
  signsLength: boolean
  /** Names of the settings that locate the store, for advice in findings. */
  settings: { endpoint: string; publicEndpoint: string; region: string }
}

export type OpenContext = {
  bucket: string
  /** Signs URLs of the gateway's own endpoint. */
  endpoint: PresignerOptions
  peers: Peers
  log: DriverLog
  /** Base URL for anonymous reads of public objects. null if there is none. */
  publicBaseUrl: string | null
  /** The quota of each owner of buckets. Does not apply to the gateway. */
  ownerLimits: OwnerLimits
  /** Makes the files of the store readable by the group, for a proxy that sends them. */
  groupReads: boolean
  /** Deletes leftovers of crashed processes at startup. `shared`: other processes have uploads in flight. */
  sweepOnStart: boolean | 'shared'
  /** False until the clock has proved steady. Until then nothing is deleted because of its age. */
  mayDelete?: () => boolean
  /** What the catalog knows of this store. undefined if there is nothing to compare. */
  expected?: () => Promise<Expected | undefined>
}

/** A subset of pino's logger. */
export type DriverLog = {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}
