/** Routes for the console. */
import { z } from 'zod'
import { describeStore } from '../../service/stores/stores.ts'
import { listPending, type PendingUpload } from '../../service/uploads/list-pending.ts'
import { namesOf } from '../../service/content-type/type-families.ts'
import type { Call } from '../deps.ts'
import { listQuery, parseQuery } from '../input.ts'

/** The store and the upload limits, for the badge and the drop target. */
export async function showStatus({ ctx, deps, user, admin }: Call): Promise<void> {
  const { uploads, quotas } = deps.config
  ctx.body = {
    user,
    admin,
    store: (await describeStore(deps)).status,
    objectsUrl: deps.objectsOrigin(),
    limits: {
      maxSize: uploads.maxSize,
      allowedTypes: uploads.allowedTypes.flatMap(namesOf),
      partSize: uploads.partSize,
      expiresIn: uploads.expiresIn,
      maxExpiresIn: uploads.maxExpiresIn,
      allowPublic: uploads.allowPublic,
      quota: { bytes: quotas.userBytes, files: quotas.userFiles },
    },
  }
}

/** `progress=true` asks the store for the progress of each upload. */
export const pendingQuery = listQuery.omit({ q: true }).extend({ progress: z.stringbool().optional() })

export async function listUploads({ ctx, deps, user }: Call): Promise<void> {
  const { uploads, nextCursor } = await listPending(deps, user, parseQuery(pendingQuery, ctx.query))
  ctx.body = { uploads: uploads.map(pendingJson), nextCursor }
}

const pendingJson = ({ file, grant, progress }: PendingUpload): Record<string, unknown> => ({
  id: file.id,
  key: file.key,
  filename: file.filename,
  mimeType: file.mimeType,
  visibility: file.visibility,
  createdAt: file.createdAt.toISOString(),
  method: grant?.method ?? null,
  /** The declared size. null if none was declared. */
  size: grant?.declaredSize ?? null,
  urlExpiresAt: grant?.urlExpiresAt.toISOString() ?? null,
  expiresAt: grant?.confirmBy.toISOString() ?? null,
  autoConfirm: grant?.autoConfirm ?? false,
  multipart: grant?.multipart && { partSize: grant.multipart.partSize, partCount: grant.multipart.partCount },
  ...progress,
})

export async function showSettings({ ctx, deps }: Call): Promise<void> {
  ctx.body = { settings: deps.settings() }
}

/** Streams requests until the reader disconnects. Writes the response without Koa. */
export async function streamLog({ ctx, deps, user, admin }: Call): Promise<void> {
  if (ctx.method === 'HEAD') {
    ctx.type = 'text/event-stream'
    ctx.status = 200
    return
  }
  deps.watch(ctx.res, { user, admin, lastId: ctx.get('last-event-id') })
  ctx.respond = false
}
