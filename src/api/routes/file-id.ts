import type { Context } from 'koa'
import { noSuchFile } from '../../service/files/read-files.ts'

/** The `:id` of the path. An invalid id is NotFound without a lookup. */
export function fileId(ctx: Context): string {
  const { id = '' } = ctx['params'] as Record<string, string | undefined>
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) return id
  throw noSuchFile(id)
}
