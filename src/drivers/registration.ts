/** What a driver says about itself. `registry.ts` lists all of them; nothing else names a driver. */
import type { z } from 'zod'
import type { SigningCredentials } from '../sigv4/types.ts'
import type { Driver, OwnerLimits } from './driver.ts'
import type { PresignerOptions } from './endpoint/presigner.ts'
import type { Expected } from './expected.ts'
import type { Peers } from './peers.ts'

export type DriverRegistration<Schema extends z.ZodObject = z.ZodObject> = {
  /** `storage.driver`, and `store` in the record of each file. It may never change. */
  readonly name: string
  /** Of `storage.<name>`. Below, `settings` is what it parses to. */
  readonly configSchema: Schema
  /** Settings in `storage.<name>` that are never printed. */
  readonly secretSettings: readonly string[]
  /** Variables of other programs, read while the driver is in use. */
  readonly variables: readonly WellKnownVariable[]
  /** Whether clients can reach the store itself. Else its objects are served by the objects endpoint. */
  readonly hasOwnUrls: boolean
  /** Of stores in a folder of this machine, which one server uses at a time and files can be handed over from. */
  folder?(settings: z.output<Schema>): string
  /** A setting to write, for messages that say how to name a store. */
  readonly example: string
  /** What `storage.<name>.provider` may say and what each means, for stores that differ. */
  readonly presets?: Readonly<Record<string, object>>
  /** What zod cannot tell. `key` is in `storage.<name>`. */
  check(settings: z.output<Schema>): { key: string; message: string }[]
  /** Whether there is a store to open: files may still be in one that is not in use. */
  isConfigured(settings: z.output<Schema>): boolean
  /** Equal for instances that use the same store. */
  identify(settings: z.output<Schema>, bucket: string): string
  /** Where clients find the bucket, of a store with `hasOwnUrls`. */
  publicUrl?(settings: z.output<Schema>, bucket: string): string
  /** The key with which requests to the store are signed, where the configuration holds one. */
  accessKey?(settings: z.output<Schema>): { accessKeyId: string; secretAccessKey: string } | null
  describe(settings: z.output<Schema>, o: { bucket: string; delivery: string }): Promise<StoreDescription>
  /** What the driver leaves out is completed: see complete-driver.ts. */
  open(settings: z.output<Schema>, o: OpenContext): Promise<Driver>
  /** What `postern doctor` examines with requests of its own. Absent: the objects endpoint alone. */
  doctorChecks?(
    settings: z.output<Schema>,
    o: { bucket: string; now: () => Date },
  ): Promise<Omit<CheckedStore, 'settings'>>
}

/** `key` is dotted, from the top of the configuration. The first variable that is set wins. */
export type WellKnownVariable = {
  key: string
  names: readonly string[]
  /** It counts only where the other setting came from this variable too. */
  onlyWith?: { key: string; name: string }
}

export type StoreDescription = {
  /** For any user: no path of the machine, no credentials. `driver` is the name of the registration. */
  status: { driver: string } & Record<string, unknown>
  /** For the operator. */
  place: { driver: string } & Record<string, unknown>
  /** `place` as one line. */
  line: string
  /** Bytes; null where the system does not say, absent for stores that have no such limit. */
  freeBytes?: number | null
}

/** The S3 endpoint that `postern doctor` checks. */
export type CheckedStore = {
  endpoint: string
  publicEndpoint: string
  region: string
  pathStyle: boolean
  /** Before every key of ours. */
  prefix: string
  credentials: SigningCredentials
  /** When temporary credentials end; null where nobody says, or they do not. */
  expiration: Date | null
  provider: string
  /** Whether URLs are bound to the length of the file: the store compares what arrives. */
  signsLength: boolean
  /** The settings that say where the store is, for advice. */
  settings: { endpoint: string; publicEndpoint: string; region: string }
}

export type OpenContext = {
  bucket: string
  /** Signs URLs of the gateway's own endpoint. */
  endpoint: PresignerOptions
  peers: Peers
  log: DriverLog
  /** Anonymous reads of public objects work below it; null: nowhere. */
  publicBaseUrl: string | null
  /** The quota of each owner of buckets, except the gateway. */
  ownerLimits: OwnerLimits
  /** A server in front reads the files of the store. */
  groupReads: boolean
  /** Removes what crashed processes left. `beside-others`: uploads of other processes are running. */
  sweepOnStart: boolean | 'beside-others'
  /** Whether the clock is steady: until then nothing is deleted for its age. */
  mayDelete?: () => boolean
  /** What the catalog says about this store. Undefined where nothing is to be compared. */
  expected?: () => Promise<Expected | undefined>
}

/** pino is one. */
export type DriverLog = {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}
