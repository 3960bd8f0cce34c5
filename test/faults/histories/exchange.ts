/** Sends one HTTP request on one connection, and never retries it. Only its response tells the outcome. */
import { request, type Agent, type IncomingHttpHeaders } from 'node:http'

export type Request = { method: string; url: string; headers?: Record<string, string>; body?: Buffer | string }
export type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer }

/** `refused`: it never reached the server. `unanswered`: whether it was carried out is unknown. */
export type Exchange = Answer | 'refused' | 'unanswered'

export function exchange(
  { method, url, headers = {}, body }: Request,
  o: { agent: Agent; timeout: number },
): Promise<Exchange> {
  return new Promise((resolve) => {
    const sent = request(url, {
      method,
      agent: o.agent,
      headers: { ...headers, 'content-length': body === undefined ? 0 : Buffer.byteLength(body) },
    })
    const timer = setTimeout(() => sent.destroy(new Error('no answer in time')), o.timeout)
    const end = (outcome: Exchange): void => {
      clearTimeout(timer)
      resolve(outcome)
    }
    sent.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'refused' : 'unanswered'))
    sent.on('response', (answer) => {
      answer.toArray().then(
        (chunks: Buffer[]) =>
          end({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
        () => end('unanswered'),
      )
    })
    sent.end(body)
  })
}
