import type { IncomingMessage, ServerResponse } from 'node:http'

type RequestSource = { callback(): RequestHandler }
export type RequestHandler = (req: IncomingMessage, res: ServerResponse) => void

/** One port for both origins. Paths below the objects URL's path go to the objects endpoint. */
export function sharedPort(api: RequestSource, objects: RequestSource, pathPrefix: () => string): RequestHandler {
  const toApi = api.callback()
  const toObjects = objects.callback()
  return (req, res) => {
    const prefix = pathPrefix()
    const target = req.url ?? '/'
    const below = target.startsWith(prefix) && /^[/?]|^$/.test(target.slice(prefix.length))
    void (below ? toObjects : toApi)(req, res)
  }
}
