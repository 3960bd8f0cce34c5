import { randomBytes } from 'node:crypto'
import { send } from '../send.ts'
import type { UrlSubject } from './url-subject.ts'

export type Met = {
  who: 'us' | 'another' | 'something'
  status: number
  /** The Host that arrived there. */
  host: string | null
}

/** Asks an address who it is. `another`: a gateway with other secrets. `something`: no gateway. Errors: the connection's. */
export async function askNonce(base: string, { proof, signal }: Pick<UrlSubject, 'proof' | 'signal'>): Promise<Met> {
  const nonce = randomBytes(16).toString('hex')
  const { status, body } = await send({
    url: `${base.replace(/\/+$/, '')}/healthz?nonce=${nonce}`,
    method: 'GET',
    signal,
  })
  const answer = parse(body.toString('utf8'))
  const host = typeof answer['host'] === 'string' ? answer['host'] : null
  if (typeof answer['proof'] !== 'string') return { who: 'something', status, host }
  return { who: answer['proof'] === proof(nonce) ? 'us' : 'another', status, host }
}

function parse(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
