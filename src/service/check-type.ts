/** Whether a stored object is of the type that its upload was granted for: by its content type, and by its bytes. */
import type { FileRecord } from '../catalog/catalog.ts'
import type { ObjectHead, ObjectRef } from '../drivers/driver.ts'
import { StorageError } from '../errors.ts'
import { essenceOf, parseMimeType } from '../media-type.ts'
import { whatIsWrong } from './content-mismatch.ts'
import type { ServiceDeps } from './deps.ts'
import { imageSize, isBomb, maxImageSide } from './image-size.ts'
import { isUnnamed, sameType, typeByName } from './media-type.ts'
import type { Agreement } from './type-agreement.ts'

/** Metadata before a JPEG's frame header is rarely more than this. */
const imageHeaderBytes = 512 * 1024

/** `warning`: the bytes lack the signature of the type, which counts as a mismatch without `--dev`. */
export type VerifiedType = { mimeType: string; charset?: 'utf-8'; warning?: string }

/** The type to record. Errors: UploadMismatch, PreconditionFailed when the object is replaced meanwhile. */
export async function checkType(
  deps: ServiceDeps,
  ref: ObjectRef,
  head: ObjectHead,
  file: Pick<FileRecord, 'mimeType' | 'filename'>,
  claimed: string | undefined,
): Promise<VerifiedType> {
  const granted = file.mimeType
  const stored = head.contentType ?? ''
  const unnamed = isUnnamed(stored)
  if (!unnamed && !isAnotherNameOf(granted, stored, file.filename)) {
    throw mismatch(
      `The upload was granted for ${granted}, the store holds ${stored}. Send the headers that came with the upload URL.`,
    )
  }
  if (claimed !== undefined && !isAnotherNameOf(granted, claimed, file.filename)) {
    throw mismatch(`mimeType is ${claimed}, the object is ${granted}. Ask for an upload URL with the type of the file.`)
  }
  const { result, utf8, ...warning } = deps.config.uploads.sniff
    ? await checkContent(deps, ref, head, granted)
    : notRead
  // A writer that named no type left it to the bytes: only they can vouch for it then.
  if (unnamed && !isUnnamed(granted) && result !== 'agrees' && !warning.warning) {
    throw mismatch(`The object has no content type: send the headers that came with the upload URL (${granted}).`)
  }
  const mimeType = essenceOf(stored) === essenceOf(granted) ? stored : granted
  return { mimeType, ...(utf8 && wantsCharset(mimeType) ? { charset: 'utf-8' } : {}), ...warning }
}

/** A client may send and confirm with the browser's word for the file, where the grant took its type from its name. */
const isAnotherNameOf = (granted: string, other: string, filename: string): boolean =>
  sameType(granted, other) || sameType(granted, typeByName(essenceOf(other), filename) ?? '')

type Content = { result: Agreement; utf8: boolean; warning?: string }
const notRead: Content = { result: 'unknown', utf8: false }

async function checkContent(deps: ServiceDeps, ref: ObjectRef, head: ObjectHead, granted: string): Promise<Content> {
  // With the first confirmed file: the signatures of a hundred formats are nothing that a start needs.
  const [{ recognise, sampleBytes }, { agreement }] = await Promise.all([
    import('./recognise.ts'),
    import('./type-agreement.ts'),
  ])
  const sample = await firstBytes(deps, ref, head, sampleBytes)
  const found = await recognise(sample)
  const result = agreement(granted, found)
  if (result === 'contradicts' || (result === 'missing' && !deps.dev)) throw mismatch(whatIsWrong(granted, found))
  let size = imageSize(sample)
  if (size === 'more' && head.contentLength > sample.length) {
    size = imageSize(await firstBytes(deps, ref, head, imageHeaderBytes))
  }
  if (typeof size === 'object' && isBomb(size)) {
    throw mismatch(`The image declares ${size.width} × ${size.height} pixels; each side must be below ${maxImageSide}.`)
  }
  return {
    result,
    utf8: found.utf8,
    ...(result === 'missing' ? { warning: whatIsWrong(granted, found) } : {}),
  }
}

/** Text that names its encoding neither in its type nor, as HTML and XML do, inside. */
function wantsCharset(mimeType: string): boolean {
  const type = parseMimeType(mimeType)
  return type?.type === 'text' && !type.parameters.has('charset') && !type.isHTML() && !type.isXML()
}

async function firstBytes(deps: ServiceDeps, ref: ObjectRef, head: ObjectHead, count: number): Promise<Buffer> {
  if (head.contentLength === 0) return Buffer.alloc(0)
  const object = await deps.driver.getObject(ref, {
    range: { start: 0, end: Math.min(count, head.contentLength) - 1 },
    ifMatch: `"${head.etag}"`,
    ...(head.versionId === undefined ? {} : { versionId: head.versionId }),
  })
  const chunks: Buffer[] = []
  for await (const chunk of object.stream()) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).subarray(0, count)
}

const mismatch = (message: string) => new StorageError('UploadMismatch', { message })
