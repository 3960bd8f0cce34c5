/** Sends one presigned request unchanged and interprets the response. */
import { createReadStream, statSync } from 'node:fs'
import { send } from '../doctor/send.ts'
import { adviceOnAnswer, readErrorDocument } from '../explain/answer-advice.ts'
import { compareCanonical, type SeenOtherwise } from '../explain/compare-canonical.ts'
import { requestOf } from '../explain/decode-url.ts'

export type Answer = {
  status: number
  /** The error code. null for HEAD and without an error document. */
  code: string | null
  message: string | null
  advice: string | null
  /** Set if the store received a different request from the one sent. */
  seenOtherwise: SeenOtherwise | null
  /** Seconds by which the store's clock is ahead of this machine's. null without a Date header. */
  clockAhead: number | null
}

export type OneRequest = {
  url: string
  method: string
  headers: readonly (readonly [name: string, value: string])[]
  /** Path of the file to send. */
  body?: string | undefined
}

/** Errors: those of the connection and of reading the file. */
export async function sendOnce({ url, method, headers, body }: OneRequest): Promise<Answer> {
  const named: Record<string, string[]> = {}
  for (const [name, value] of headers) (named[name.toLowerCase()] ??= []).push(value)
  if (body !== undefined) named['content-length'] ??= [String(statSync(body).size)]
  const bytes = body === undefined ? undefined : createReadStream(body)
  const answer = await send({ url, method, headers: named, body: bytes }).finally(() => bytes?.destroy())
  const { status } = answer
  const failed = status >= 300
  const { canonicalRequest, ...said } = readErrorDocument(failed ? answer.body.toString('utf8') : '')
  const raw = requestOf(url, { method, headers })
  const date = Date.parse(answer.headers.date ?? '')
  return {
    status,
    ...said,
    advice: adviceOnAnswer(status, said.code),
    seenOtherwise: canonicalRequest === null ? null : compareCanonical(raw, canonicalRequest),
    clockAhead: Number.isNaN(date) ? null : Math.round((date + 500 - Date.now()) / 1000),
  }
}
