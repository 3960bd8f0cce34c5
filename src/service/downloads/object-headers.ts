/** Headers of objects and responses. They come from the file's record, never from the request that sent the bytes. */
import { create as contentDisposition } from 'content-disposition'
import type { FileRecord } from '../../catalog/catalog.ts'
import type { ObjectHeaders } from '../../drivers/driver.ts'
import type { ServiceDeps } from '../deps.ts'
import { isListed } from '../content-type/declared-type.ts'

type Typed = Pick<FileRecord, 'mimeType' | 'charset'>

type Config = Pick<ServiceDeps, 'config'>

/** Whether a browser may display this type inline. */
export const isInline = ({ config }: Config, mimeType: string): boolean =>
  isListed(mimeType, config.downloads.inlineTypes)

/**
 * The headers of a stored object. A bucket or a CDN that serves it without the gateway sends exactly these. They omit
 * the file name, because it can change after the object is sealed.
 */
export const storedHeaders = (deps: Config, file: Typed): ObjectHeaders => ({
  contentType: contentTypeOf(file),
  ...(isInline(deps, file.mimeType) ? {} : { contentDisposition: 'attachment' }),
})

/** Adds the charset that the bytes proved, because browsers read text without one as windows-1252. */
const contentTypeOf = ({ mimeType, charset }: Typed): string =>
  charset === undefined ? mimeType : `${mimeType.replace(/[;\s]+$/, '')}; charset=${charset}`

/** The headers of a file that the gateway serves. Only types in `downloads.inlineTypes` get `inline`. */
export function servedAs(
  deps: Config,
  file: Typed & Pick<FileRecord, 'filename'>,
  wanted?: 'inline' | 'attachment',
): { contentType: string; contentDisposition: string } {
  const type = isInline(deps, file.mimeType) && wanted !== 'attachment' ? 'inline' : 'attachment'
  return { contentType: contentTypeOf(file), contentDisposition: contentDisposition(file.filename, { type }) }
}
