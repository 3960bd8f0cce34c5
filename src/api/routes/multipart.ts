import { abortMultipart } from '../../service/multipart/abort-multipart.ts'
import { beginMultipart } from '../../service/multipart/begin-multipart.ts'
import { completeMultipart } from '../../service/multipart/complete-multipart.ts'
import { issueParts } from '../../service/multipart/issue-parts.ts'
import { listUploadParts } from '../../service/multipart/list-upload-parts.ts'
import type { Call } from '../deps.ts'
import { parseBody } from '../input.ts'
import { beginMultipartInput, completeInput, issuePartsInput } from '../multipart-input.ts'
import { fileId } from './file-id.ts'
import { answerSettled } from './uploads.ts'

/** Bytes. Enough for 10,000 part numbers and ETags. */
export const partListBytes = 2 * 1024 * 1024

export async function begin({ ctx, deps, user, body }: Call): Promise<void> {
  const issued = await beginMultipart(deps, user, parseBody(beginMultipartInput, body))
  const { file, multipart, expiresAt, publicUrl } = issued
  ctx.body = {
    id: file.id,
    key: file.key,
    ...multipart,
    expiresAt: expiresAt.toISOString(),
    ...(publicUrl === null ? {} : { publicUrl }),
  }
}

export async function issuePartUrls({ ctx, deps, user, body }: Call): Promise<void> {
  const parts = await issueParts(deps, user, { id: fileId(ctx), ...parseBody(issuePartsInput, body) })
  ctx.body = { parts: parts.map(({ expiresAt, ...part }) => ({ ...part, expiresAt: expiresAt.toISOString() })) }
}

export async function listParts({ ctx, deps, user }: Call): Promise<void> {
  const { file, grant, multipart, parts } = await listUploadParts(deps, user, fileId(ctx))
  ctx.body = {
    id: file.id,
    key: file.key,
    ...multipart,
    expiresAt: grant.confirmBy.toISOString(),
    parts: parts.map(({ partNumber, etag, contentLength }) => ({ partNumber, etag, size: contentLength })),
  }
}

export async function complete({ ctx, deps, user, body }: Call): Promise<void> {
  answerSettled(
    { ctx, deps },
    await completeMultipart(deps, user, { id: fileId(ctx), ...parseBody(completeInput, body) }),
  )
}

export async function abort({ ctx, deps, user }: Call): Promise<void> {
  await abortMultipart(deps, user, fileId(ctx))
  ctx.status = 204
}
