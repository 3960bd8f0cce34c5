/**
 * Types of the API's JSON, for the server and the console. The types of documented routes come from the schemas of the
 * OpenAPI document. This file has only types, so that it adds nothing to the console's bundle.
 */
import type { z } from 'zod'
import type { Explanation } from '../explain/explanation.ts'
import type { fileRecord } from './openapi/answers.ts'

export type { Difference, Explanation, SignedRow } from '../explain/explanation.ts'

export type FileJson = z.infer<typeof fileRecord>

/** One request in the responses of `GET /console/log` and its stream. */
export type LogEntry = {
  id: string
  time: string
  app: 'api' | 'objects'
  method: string
  /** The path as received, without the query. */
  path: string
  /** Path and query with credentials masked. */
  target: string
  bucket: string | null
  key: string | null
  outcome: 'ok' | 'refused' | 'failed' | 'aborted'
  status: number | null
  ms: number
  /** Bytes. */
  size: number | null
  /** The user of the JSON API. */
  user: string | null
  /** The owner of an S3 access key. Owners and users are separate namespaces. */
  keyOwner: string | null
  requestId: string
  refusal: EntryRefusal | null
}

export type EntryRefusal = {
  code: string
  message: string
  /** What to do. */
  advice: string
  /** Headers that are signed or that change the operation, masked. */
  headers: [name: string, value: string][]
  /** null if the signature was valid, the request is very long, or too many refusals came at once. */
  explanation: Explanation | null
}

/** One setting with masked secrets, for display. */
export type Setting = {
  /** Dotted, e.g. `storage.disk.path`. */
  key: string
  /** The value in the form of a configuration file (`5GiB`, `15m`). Secrets are masked. */
  value: unknown
  /** The value in config/default.yaml. */
  default: unknown
  source: { from: 'default' | 'file' | 'variable' | 'flag' | 'derived' | 'program'; text: string }
  /** The environment variable that sets it. */
  variable: string
  secret: boolean
  /** The comment in config/default.yaml. */
  description: string
}
