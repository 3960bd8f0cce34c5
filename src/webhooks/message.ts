/** Body and signature headers of a message. Source: https://www.standardwebhooks.com */
import { Webhook } from 'standardwebhooks'

export type Message = {
  /** The same for every attempt, so that receivers can recognise repeated messages. */
  id: string
  type: string
  /** The time of the event. */
  at: Date
  data: unknown
}

/** `now` is the time of the attempt, because receivers reject old signatures. */
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
