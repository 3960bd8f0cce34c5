/** One message as https://www.standardwebhooks.com asks for it: its body, and the headers that prove who sent it. */
import { Webhook } from 'standardwebhooks'

export type Message = {
  /** The same for every attempt: receivers tell by it what they have seen. */
  id: string
  type: string
  /** When it happened. */
  at: Date
  data: unknown
}

/** `now` is the time of the attempt: receivers refuse what was signed long ago. */
export function signMessage(
  { id, type, at, data }: Message,
  secret: string,
  now: Date,
): { body: string; headers: Record<string, string> } {
  const body = JSON.stringify({ type, timestamp: at.toISOString(), data })
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Postern-Webhooks',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, now, body),
  }
  return { body, headers }
}
