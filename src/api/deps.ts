import type { KeyObject } from 'node:crypto'
import type { Context } from 'koa'
import type { ServiceDeps } from '../service/deps.ts'
import type { RateLimit } from './rate-limit.ts'

export type ApiDeps = ServiceDeps & {
  /** Verifies HS256 tokens. */
  jwtSecret: KeyObject
  /** Where presigned URLs point: the console's page may talk to it. */
  objectsOrigin: () => string
  /** Requests without credentials are the user `dev`, from loopback only. */
  dev: boolean
  isDraining: () => boolean
}

/** What a route is handed: `user` is the authenticated `sub`, `body` the parsed JSON, `{}` where none was sent. */
export type Call = { ctx: Context; deps: ApiDeps; user: string; body: unknown }

export type Route = {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
  /** `anyone` needs no credentials; `user` is then empty. */
  access: 'user' | 'anyone'
  /** Counted against limits.issuePerMinute. */
  issues?: true
  /** A GET that is not safe: it answers no HEAD, and no page of another site can have it sent by a link or an image. */
  changes?: true
  /** Bytes that the JSON body may have, where it is more than usual. */
  maxBody?: number
  run: (call: Call) => Promise<void>
}

/** What the router needs beside the routes. */
export type Gate = { authenticate: (ctx: Context) => Promise<Identity>; limit: RateLimit }

export type Identity = { user: string; via: 'bearer' | 'cookie' | 'dev' | 'anonymous' }
