import type { S3Context } from './context.ts'
import { xmlDocument, type XmlContent } from './xml.ts'

export type AnswerHeaders = Record<string, string | number | undefined>

export function setHeaders(ctx: Pick<S3Context, 'res'>, headers: AnswerHeaders): void {
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) ctx.res.setHeader(name, value)
  }
}

/** Sends a response without a body. */
export function answerEmpty(ctx: Pick<S3Context, 'res'>, status: number, headers: AnswerHeaders = {}): void {
  ctx.res.statusCode = status
  setHeaders(ctx, headers)
  ctx.res.end()
}

export function answerText(ctx: Pick<S3Context, 'res'>, status: number, contentType: string, body: string): void {
  ctx.res.statusCode = status
  setHeaders(ctx, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
  })
  ctx.res.end(body)
}

/** Sends an XML result. */
export function answerXml(
  ctx: Pick<S3Context, 'res'>,
  root: string,
  content: XmlContent,
  headers: AnswerHeaders = {},
): void {
  setHeaders(ctx, headers)
  answerText(ctx, 200, 'application/xml', xmlDocument(root, content))
}

export const quoted = (etag: string): string => `"${etag}"`
