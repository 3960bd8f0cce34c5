import type { z } from 'zod'
import type { ProblemCode } from '../refusal-advice.ts'

export type Answer = {
  description: string
  /** JSON unless `type` names another type. Without a schema there is no body. */
  schema?: z.ZodType
  type?: string
  headers?: Record<string, string>
}

/** The OpenAPI description of a route, in addition to what the route table contains. */
export type Operation = {
  /** Unique. Generated clients use it as the function name. */
  id: string
  tag: 'Uploads' | 'Multipart' | 'Files' | 'Uppy' | 'Console' | 'Server'
  summary: string
  description?: string
  /** Path parameters that are not plain text. */
  path?: Readonly<Record<string, z.ZodType>>
  query?: z.ZodObject
  body?: z.ZodObject
  answers: Record<number, Answer>
  /** Errors of this route. `document.ts` adds the errors that all routes share. */
  refusals?: readonly ProblemCode[]
}
