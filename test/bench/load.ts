/** A bounded load: `count` requests over `concurrency` kept-alive connections, every answer checked. */
import { Agent, request } from 'node:http'

export type Load = {
  method: 'GET' | 'PUT' | 'POST'
  concurrency: number
  count: number
  url(i: number): string
  headers?: Record<string, string>
  body?: Buffer
  /** Bytes an answer must carry. */
  expectBytes?: number
}

/** Requests per second. Rejects at the first answer that is not 2xx or is short. */
export async function run(load: Load): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: load.concurrency })
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < load.count) await once(agent, load, next++)
  }
  const began = performance.now()
  await Promise.all(Array.from({ length: load.concurrency }, worker))
  const seconds = (performance.now() - began) / 1000
  agent.destroy()
  return load.count / seconds
}

function once(agent: Agent, load: Load, i: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const length = load.body ? { 'content-length': load.body.length } : {}
    const req = request(load.url(i), { method: load.method, agent, headers: { ...load.headers, ...length } }, (res) => {
      let bytes = 0
      res.on('data', (chunk: Buffer) => (bytes += chunk.length))
      res.on('error', reject)
      res.on('end', () => {
        const status = res.statusCode ?? 0
        if (status < 200 || status > 299) reject(new Error(`${load.method} ${load.url(i)} answered ${status}`))
        else if (load.expectBytes !== undefined && bytes !== load.expectBytes)
          reject(new Error(`short: ${bytes} bytes`))
        else resolve()
      })
    })
    req.on('error', reject)
    req.end(load.body)
  })
}
