import type { Call, Route } from '../deps.ts'

/** `routes` is the route table of the server. */
export const describe = (routes: () => readonly Route[]): ((call: Call) => Promise<void>) => {
  // Cached, because anyone may request it and building it is slow. The text depends only on the inputs in `madeOf`.
  let last = { madeOf: '', text: '' }
  return async ({ ctx, deps }) => {
    const { config, urls, version } = deps
    const anonymous = deps.dev || config.auth.anonymous !== null
    const from = { url: urls.api(), version: version(), cookie: config.auth.cookie, anonymous }
    const madeOf = JSON.stringify(from)
    if (madeOf !== last.madeOf) {
      // Loaded on first use, because most servers never need it.
      const { describeApi } = await import('../openapi/document.ts')
      last = { madeOf, text: JSON.stringify(describeApi(routes(), from)) }
    }
    ctx.type = 'application/json; charset=utf-8'
    ctx.body = last.text
  }
}
