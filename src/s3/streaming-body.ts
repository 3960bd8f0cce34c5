import { StorageError } from '../errors.ts'
import type { S3Context } from './context.ts'
import type { ObjectBody } from './object-body.ts'

export function streamingBody(_ctx: S3Context, payload: string, _expect: ObjectBody['expect']): ObjectBody {
  throw new StorageError('NotSupported', { message: payload })
}
