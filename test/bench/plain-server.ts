/** What one writes in an afternoon: node:http, a stream to a file, a stream from a file. No hash, no fsync, no signature. */
import { createReadStream, createWriteStream, mkdirSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

const dir = process.argv[2]!
mkdirSync(dir, { recursive: true })
const server = createServer((req, res) => {
  const path = join(dir, req.url!.slice(1).replaceAll('/', '_'))
  if (req.method === 'PUT') {
    void pipeline(req, createWriteStream(path)).then(() => res.end())
    return
  }
  const { size } = statSync(path)
  const range = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range ?? '')
  const [start, end] = range ? [Number(range[1]), Number(range[2])] : [0, size - 1]
  res.writeHead(range ? 206 : 200, { 'content-length': end - start + 1 })
  createReadStream(path, { start, end }).pipe(res)
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
process.once('SIGTERM', () => process.exit(0))
