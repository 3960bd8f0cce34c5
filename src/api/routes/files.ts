import { StorageError } from '../../errors.ts'
import { deleteFile } from '../../service/files/delete-file.ts'
import { getFile, listFiles, usage } from '../../service/files/read-files.ts'
import { updateFile } from '../../service/files/update-file.ts'
import type { Call } from '../deps.ts'
import { fileJson } from '../file-json.ts'
import { listQuery, parseBody, parseQuery, patchInput } from '../input.ts'
import { fileId } from './file-id.ts'

export async function list({ ctx, deps, user }: Call): Promise<void> {
  const { files, nextCursor } = await listFiles(deps, user, parseQuery(listQuery, ctx.query))
  ctx.body = { files: files.map((file) => fileJson(deps, file)), nextCursor }
}

export async function read({ ctx, deps, user }: Call): Promise<void> {
  ctx.body = fileJson(deps, await getFile(deps, user, fileId(ctx)))
}

export async function update({ ctx, deps, user, body }: Call): Promise<void> {
  const patch = parseBody(patchInput, body)
  if (patch.filename === undefined && patch.metadata === undefined) {
    throw new StorageError('InvalidArgument', {
      message: 'The request changes nothing. Send filename, metadata or both.',
    })
  }
  ctx.body = fileJson(deps, await updateFile(deps, user, { id: fileId(ctx), ...patch }))
}

export async function remove({ ctx, deps, user }: Call): Promise<void> {
  await deleteFile(deps, user, fileId(ctx))
  ctx.status = 204
}

export async function showUsage({ ctx, deps, user }: Call): Promise<void> {
  ctx.body = await usage(deps, user)
}
