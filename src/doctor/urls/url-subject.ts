import type { Check } from '../check.ts'
import type { StoreProbe } from '../bucket/store-probe.ts'

export type UrlSubject = {
  /** Where the API listens on this machine. */
  listenUrl: string
  /** `server.publicUrl`, or null for `auto`. */
  apiUrl: string | null
  /** What an installation with our secret answers. */
  proof: (nonce: string) => string
  /** The objects endpoint as URLs name it, where the server serves objects itself. */
  objectsUrl: string | null
  /** To write at where it listens and read where URLs point to; null where it does not serve objects. */
  objects: StoreProbe | null
  signal?: AbortSignal | undefined
}

export type UrlCheck = Check<UrlSubject>
