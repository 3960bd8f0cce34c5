/** A static server on its own port, so that its pages have another origin than the API and the store. */
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export async function startThirdOrigin(): Promise<{ url: string; close(): Promise<void> }> {
  const page = readFileSync(join(import.meta.dirname, 'pages', 'snippets.html'))
  const server = createServer((req, res) => {
    const known = req.url?.startsWith('/snippets.html')
    res.writeHead(known ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' }).end(known ? page : '')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
