/** What must hold for the endpoints that are told what happens to files. */
import type { Config } from './config.ts'
import { weakness } from './weak-secret.ts'

export type Finding = { key: string; message: string }

/** Standard Webhooks asks for 24 to 64 bytes. */
const fewestBytes = 24
const mostBytes = 64
/** PostgreSQL finds deliveries by it, in an index whose entries have 2704 bytes at most. */
const longestUrl = 2000
const advice = 'Write "whsec_" and what `openssl rand -base64 32` prints.'

export function checkWebhooks({ webhooks }: Config): Finding[] {
  const firstWith = new Map<string, number>()
  return webhooks.flatMap(({ url, secret, allowPrivate }, i) => {
    const found: Finding[] = []
    const add = (name: string, message: string): void => void found.push({ key: `webhooks[${i}].${name}`, message })
    const weak = weaknessOf(secret.slice('whsec_'.length))
    if (weak !== null) add('secret', `the secret ${weak}. ${advice}`)
    if (new URL(url).protocol === 'http:' && !allowPrivate) {
      const message = `what is sent over plain http can be read on the way. Write https://, or allowPrivate: true for an address of your own network.`
      add('url', message)
    }
    if (Buffer.byteLength(url) > longestUrl) {
      add('url', `is longer than ${longestUrl} bytes: no file could be confirmed. Name a shorter address.`)
    }
    const first = firstWith.get(url)
    if (first === undefined) firstWith.set(url, i)
    else add('url', `stands twice: webhooks[${first}] has the same. Name all its events in one entry.`)
    return found
  })
}

function weaknessOf(base64: string): string | null {
  const bytes = Buffer.from(base64, 'base64')
  const short = bytes.length < fewestBytes ? `is too short: ${bytes.length} of at least ${fewestBytes} bytes` : null
  const long = bytes.length > mostBytes ? `is too long: ${bytes.length} of at most ${mostBytes} bytes` : null
  return weakness(bytes.toString('latin1'), 0) ?? weakness(base64, 0) ?? short ?? long
}
