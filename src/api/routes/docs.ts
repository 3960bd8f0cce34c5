import type { Call, Route } from '../deps.ts'

/** `routes` is the table that the server goes by. */
export const describe = (routes: () => readonly Route[]): ((call: Call) => Promise<void>) => {
  // Anyone may ask, and it takes long to put together. Its text depends on what it is made of alone.
  let last = { madeOf: '', text: '' }
  return async ({ ctx, deps }) => {
    const { config, urls, version } = deps
    const anonymous = deps.dev || config.auth.anonymous !== null
    const from = { url: urls.api(), version: version(), cookie: config.auth.cookie, anonymous }
    const madeOf = JSON.stringify(from)
    if (madeOf !== last.madeOf) {
      // With the first caller: most servers never describe themselves.
      const { describeApi } = await import('../openapi/document.ts')
      last = { madeOf, text: JSON.stringify(describeApi(routes(), from)) }
    }
    ctx.type = 'application/json; charset=utf-8'
    ctx.body = last.text
  }
}
