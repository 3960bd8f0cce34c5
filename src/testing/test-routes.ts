/** The `/_test` routes. Without test mode they are 404. */
import { timingSafeEqual, createHash } from 'node:crypto'
import type { Context, Middleware } from 'koa'
import { isDeveloper } from '../api/origin.ts'
import { StorageError } from '../errors.ts'
import type { RequestMatch } from './request-journal.ts'
import type { TestMode } from './test-mode.ts'
import type { TestState } from './test-state.ts'

/**
 * With `hostChecks`, requests without the token are accepted if peer, Host and Origin are this machine, as in development
 * mode. Otherwise the token is required.
 */
export function testRoutes(mode: TestMode, state: TestState, o: { hostChecks: boolean }): Middleware {
  return async (ctx, next) => {
    if (!/^\/_test(?:\/|$)/.test(ctx.path)) return next()
    authorise(ctx, mode, o.hostChecks)
    const answer = await run(ctx, mode, state)
    if (answer === undefined)
      throw new StorageError('NotFound', { message: `There is no test route ${ctx.method} ${ctx.path}.` })
    ctx.set('cache-control', 'no-store')
    if (answer === null) ctx.status = 204
    else ctx.body = answer
  }
}

/** Undefined if there is no such route. Null for an empty response. */
async function run(ctx: Context, mode: TestMode, state: TestState): Promise<object | null | undefined> {
  const call = `${ctx.method} ${ctx.path.slice('/_test'.length)}`
  const restored = /^POST \/snapshots\/([\w-]+)\/restore$/.exec(call)?.[1]
  if (restored !== undefined) return (await state.restore(restored), null)
  switch (call) {
    case 'GET /requests':
    case 'HEAD /requests':
      return { requests: mode.requests.list(matchOf(ctx.query)) }
    case 'DELETE /requests':
      return (mode.requests.clear(), null)
    case 'POST /snapshots':
      ctx.status = 201
      return state.snapshot()
    case 'POST /reset':
      return (await state.reset(), null)
    default:
      return undefined
  }
}

const textFields = ['api', 'operation', 'method', 'bucket', 'key', 'user', 'keyOwner', 'outcome', 'code'] as const

function matchOf(query: Context['query']): RequestMatch {
  const match: Record<string, string | number> = {}
  for (const field of textFields) {
    const value = query[field]
    if (typeof value === 'string' && value !== '') match[field] = value
  }
  if (typeof query['status'] === 'string' && query['status'] !== '') match['status'] = Number(query['status'])
  return match as RequestMatch
}

function authorise(ctx: Context, { token }: TestMode, hostChecks: boolean): void {
  const given = /^Bearer +(\S+)$/i.exec(ctx.get('authorization'))?.[1] ?? ctx.get('x-postern-test-token')
  if (given !== '') {
    if (isSame(given, token)) return
  } else if (hostChecks && isDeveloper(ctx.req)) return
  throw new StorageError('AccessDenied', {
    message:
      'Test routes need the test token. Send "Authorization: Bearer $POSTERN_TEST_TOKEN", or call them from this machine without an Origin of another site.',
  })
}

const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
