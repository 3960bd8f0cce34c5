import type { Call, Route } from '../deps.ts'

/** `routes` is the table that the server goes by. */
export const describe =
  (routes: () => readonly Route[]) =>
  async ({ ctx, deps }: Call): Promise<void> => {
    // With the first caller: most servers never describe themselves.
    const { describeApi } = await import('../openapi/document.ts')
    const { config, urls, version } = deps
    ctx.body = describeApi(routes(), { url: urls.api(), version: version(), cookie: config.auth.cookie })
  }
