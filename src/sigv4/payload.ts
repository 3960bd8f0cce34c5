import { SignatureError } from './types.ts'

export const unsignedPayload = 'UNSIGNED-PAYLOAD'

/** Bodies in aws-chunked encoding, as declared in x-amz-content-sha256. */
export const streamingPayloads = [
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
] as const
export type StreamingPayload = (typeof streamingPayloads)[number]

export const isStreamingPayload = (payload: string): payload is StreamingPayload =>
  (streamingPayloads as readonly string[]).includes(payload)

/** Parses x-amz-content-sha256: a lower-case hex digest, UNSIGNED-PAYLOAD or a streaming kind. */
export function parsePayload(value: string): string {
  if (/^[0-9a-fA-F]{64}$/.test(value)) return value.toLowerCase()
  if (value === unsignedPayload || isStreamingPayload(value)) return value
  throw new SignatureError(
    'InvalidArgument',
    `x-amz-content-sha256 must be ${unsignedPayload}, ${streamingPayloads.join(', ')} or a valid sha256 value.`,
    { ArgumentName: 'x-amz-content-sha256' },
  )
}
