/** The `/_test` routes. Without test mode they are 404. */
import { timingSafeEqual, createHash } from 'node:crypto'
import type { Context, Middleware } from 'koa'
import { readJson } from '../api/body.ts'
import { isDeveloper } from '../api/origin.ts'
import { StorageError } from '../errors.ts'
import type { Rule } from './faults/rule.ts'
import type { RequestMatch } from './request-journal.ts'
import type { ClockReading, ClockStep } from './test-clock.ts'
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
  const rule = /^(PUT|DELETE) \/rules\/([\w.-]{1,64})$/.exec(call)
  if (rule) return changeRule(ctx, mode, { method: rule[1]!, id: rule[2]! })
  const clock = await moveClock(ctx, mode, call)
  if (clock !== undefined) return clock
  switch (call) {
    case 'GET /rules':
    case 'HEAD /rules':
      return { seed: mode.faults.seed, rules: mode.faults.list() }
    case 'POST /rules':
      ctx.status = 201
      return { rules: addRules(mode, await readJson(ctx)) }
    case 'DELETE /rules':
      return (mode.faults.clear(), mode.clearFaults(), null)
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

/** A body with `preset` adds the rules of a preset, narrowed by `match` and `when`. Any other body is a rule. */
function addRules(mode: TestMode, body: unknown): Rule[] {
  if (typeof body !== 'object' || body === null || !('preset' in body)) return [mode.faults.add(body)]
  const { preset, ...narrowed } = body
  return mode.faults.addPreset(String(preset), narrowed)
}

async function changeRule(
  ctx: Context,
  { faults }: TestMode,
  { method, id }: { method: string; id: string },
): Promise<object | null> {
  if (method === 'PUT') return faults.add({ ...((await readJson(ctx)) as object), id })
  if (faults.remove(id)) return null
  throw new StorageError('NotFound', { message: `There is no fault rule ${id}. GET /_test/rules lists the rules.` })
}

/** undefined: the call is not about the clock. Answers when the work that became due is done. */
async function moveClock(ctx: Context, mode: TestMode, call: string): Promise<ClockReading | undefined> {
  const { clock } = mode
  switch (call) {
    case 'GET /clock':
    case 'HEAD /clock':
      break
    case 'POST /clock/freeze':
      clock.freeze()
      break
    case 'POST /clock/resume':
      clock.resume()
      break
    case 'POST /clock/set':
      clock.set(String(((await readJson(ctx)) as { now?: unknown }).now))
      await mode.runDue()
      break
    case 'POST /clock/advance':
      clock.advance(((await readJson(ctx)) as { by?: ClockStep }).by ?? '')
      await mode.runDue()
      break
    default:
      return undefined
  }
  return clock.read()
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
