/** Checks the endpoints that receive webhooks. */
import type { Config } from './config.ts'
import { weakness } from './weak-secret.ts'

export type Finding = { key: string; message: string }

/** Standard Webhooks requires 24 to 64 bytes. */
const fewestBytes = 24
const mostBytes = 64
/** Bytes. PostgreSQL has an index over the URL, and its index entries have at most 2704 bytes. */
const longestUrl = 2000
const advice = 'Write "whsec_" followed by the output of `openssl rand -base64 32`.'

export function checkWebhooks({ webhooks }: Config): Finding[] {
  const firstWith = new Map<string, number>()
  return webhooks.flatMap(({ url, secret, allowPrivate }, i) => {
    const found: Finding[] = []
    const add = (name: string, message: string): void => void found.push({ key: `webhooks[${i}].${name}`, message })
    const weak = weaknessOf(secret.slice('whsec_'.length))
    if (weak !== null) add('secret', `the secret ${weak}. ${advice}`)
    if (new URL(url).protocol === 'http:' && !allowPrivate) {
      const message = `others can read requests over plain http in transit. Write https://, or allowPrivate: true for an address in your own network.`
      add('url', message)
    }
    if (Buffer.byteLength(url) > longestUrl) {
      add('url', `is longer than ${longestUrl} bytes, which the catalog cannot store. Use a shorter URL.`)
    }
    const first = firstWith.get(url)
    if (first === undefined) firstWith.set(url, i)
    else add('url', `is used twice. webhooks[${first}] has the same URL. List all its events in one entry.`)
    return found
  })
}

function weaknessOf(base64: string): string | null {
  const bytes = Buffer.from(base64, 'base64')
  const short =
    bytes.length < fewestBytes ? `is too short: ${bytes.length} bytes, at least ${fewestBytes} are needed` : null
  const long = bytes.length > mostBytes ? `is too long: ${bytes.length} bytes, at most ${mostBytes} are allowed` : null
  return weakness(bytes.toString('latin1'), 0) ?? weakness(base64, 0) ?? short ?? long
}
