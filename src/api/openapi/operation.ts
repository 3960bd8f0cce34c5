import type { z } from 'zod'
import type { ProblemCode } from '../problem.ts'

export type Answer = {
  description: string
  /** JSON, unless `type` names another. Absent: no body. */
  schema?: z.ZodType
  type?: string
  headers?: Record<string, string>
}

/** What the description of the API says of one route, beside what the routes table knows already. */
export type Operation = {
  /** Unique: what generated clients call it. */
  id: string
  tag: 'Uploads' | 'Multipart' | 'Files' | 'Uppy' | 'Console' | 'Server'
  summary: string
  description?: string
  /** Names of the path that are no plain text. */
  path?: Readonly<Record<string, z.ZodType>>
  query?: z.ZodObject
  body?: z.ZodObject
  answers: Record<number, Answer>
  /** Refusals of this route's own; `document.ts` adds those that every route shares. */
  refusals?: readonly ProblemCode[]
}
