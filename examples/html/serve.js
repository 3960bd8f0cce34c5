/** Serves the page, and the client's modules at the address in its import map. Any web server can do this. */
import { createReadStream, existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const modules = dirname(fileURLToPath(import.meta.resolve('postern/client')))
const types = { '.html': 'text/html', '.js': 'text/javascript', '.map': 'application/json' }

createServer((req, res) => {
  const path = new URL(req.url ?? '/', 'http://page').pathname
  const name = /^\/postern\/client\/([\w-]+\.js(?:\.map)?)$/.exec(path)?.[1]
  const file = path === '/' ? join(import.meta.dirname, 'index.html') : name && join(modules, name)
  if (!file || !existsSync(file)) return void res.writeHead(404).end()
  res.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' })
  createReadStream(file).pipe(res)
}).listen(Number(process.env['PORT'] ?? 5173), 'localhost')
