import { beginUpload, type BeginUpload } from '../../service/uploads/begin-upload.ts'
import { confirmUpload } from '../../service/uploads/confirm-upload.ts'
import { renewUpload } from '../../service/uploads/renew-upload.ts'
import type { Settled } from '../../service/uploads/settle-upload.ts'
import { StorageError } from '../../errors.ts'
import type { Call } from '../deps.ts'
import { fileJson, issuedJson } from '../file-json.ts'
import { confirmInput, parseBody, renewInput, uploadInput } from '../input.ts'
import { fileId } from './file-id.ts'

export const issueUploadUrl = (call: Call): Promise<void> => issue(call, {})

/** A shorthand for clients that never confirm and want a public URL. */
export const issuePublicUploadUrl = (call: Call): Promise<void> =>
  issue(call, { visibility: 'public', autoConfirm: true })

async function issue({ ctx, deps, user, body }: Call, defaults: Pick<BeginUpload, 'visibility' | 'autoConfirm'>) {
  const input: BeginUpload = parseBody(uploadInput, body)
  ctx.body = issuedJson(await beginUpload(deps, user, { ...defaults, ...input }))
}

export async function renewUploadUrl({ ctx, deps, user, body }: Call): Promise<void> {
  const input = parseBody(renewInput, body)
  ctx.body = issuedJson(await renewUpload(deps, user, { id: fileId(ctx), ...input }))
}

export async function confirm({ ctx, deps, user, body }: Call): Promise<void> {
  const { id, key, ...claims } = parseBody(confirmInput, body)
  if ((id === undefined) === (key === undefined)) {
    throw new StorageError('InvalidArgument', {
      message: 'Send either the key or the id from the upload-url response.',
    })
  }
  const by = id === undefined ? { key: key ?? '' } : { id }
  answerSettled({ ctx, deps }, await confirmUpload(deps, user, { by, ...claims }))
}

/** 201 for the call that confirmed the file, 200 with the same body afterwards. */
export function answerSettled({ ctx, deps }: Pick<Call, 'ctx' | 'deps'>, { file, created }: Settled): void {
  ctx.status = created ? 201 : 200
  ctx.set('location', `/files/${file.id}`)
  ctx.body = { ...fileJson(deps, file), url: `/files/${file.id}` }
}
