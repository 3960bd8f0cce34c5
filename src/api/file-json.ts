/** Converts the services' results to the API's JSON. */
import type { FileRecord } from '../catalog/catalog.ts'
import { recordJson } from '../catalog/record-json.ts'
import type { IssuedUpload } from '../service/uploads/begin-upload.ts'
import { publicUrl } from '../service/downloads/public-download.ts'
import type { FileJson } from './contract.ts'
import type { ApiDeps } from './deps.ts'

export function fileJson(deps: ApiDeps, file: FileRecord): Omit<FileJson, 'status'> & Pick<FileRecord, 'status'> {
  const url = publicUrl(deps, file)
  return { ...recordJson(file), ...(url === null ? {} : { publicUrl: url }) }
}

export const issuedJson = (issued: IssuedUpload): Record<string, unknown> => ({
  id: issued.file.id,
  key: issued.file.key,
  method: issued.method,
  uploadUrl: issued.url,
  headers: issued.headers,
  ...(issued.fields === undefined ? {} : { fields: issued.fields }),
  expiresIn: issued.expiresIn,
  expiresAt: issued.expiresAt.toISOString(),
  ...(issued.publicUrl === null ? {} : { publicUrl: issued.publicUrl }),
})
