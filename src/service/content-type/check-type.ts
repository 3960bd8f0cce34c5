/** Checks that a stored object has the type of its grant, by its content type and by its bytes. */
import type { FileRecord } from '../../catalog/catalog.ts'
import type { ObjectHead, ObjectRef, StorageDriver } from '../../drivers/driver.ts'
import { StorageError } from '../../errors.ts'
import { essenceOf, parseMimeType } from '../../media-type.ts'
import type { ServiceDeps } from '../deps.ts'
import { ByteSource, maxBytes, type ReadRange } from './image-size/byte-source.ts'
import { isUnnamed, sameType, typeByName } from './declared-type.ts'
import type { Agreement } from './type-agreement.ts'
import { canonicalType, hasMandatorySignature } from './type-families.ts'
import type { Recognised, Wrapping } from './recognise.ts'

/** `warning`: the bytes lack the signature of the type. Without `--dev` this is a mismatch. */
export type VerifiedType = { mimeType: string; charset?: 'utf-8'; warning?: string }

/**
 * Resolves to the type to record. Errors: UploadMismatch, PreconditionFailed if the object is replaced during the
 * check.
 */
export async function checkType(
  deps: Pick<ServiceDeps, 'config' | 'dev'>,
  store: StorageDriver,
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
      `The object has the type ${stored}, but the upload was granted for ${granted}. Send the headers that came with the upload URL.`,
    )
  }
  if (claimed !== undefined && !isAnotherNameOf(granted, claimed, file.filename)) {
    throw mismatch(
      `mimeType is ${claimed}, but the upload was granted for ${granted}. Request an upload URL with the type of the file.`,
    )
  }
  const { result, utf8, ...warning } = deps.config.uploads.sniff
    ? await checkContent(deps, rangesOf(store, ref, head), head, granted)
    : notRead
  // If the uploader sent no type, only the bytes can prove the granted type.
  if (unnamed && !isUnnamed(granted) && result !== 'agrees' && !warning.warning) {
    throw mismatch(`The object has no content type. Send the headers that came with the upload URL (${granted}).`)
  }
  const mimeType = essenceOf(stored) === essenceOf(granted) ? stored : granted
  return { mimeType, ...(utf8 && wantsCharset(mimeType) ? { charset: 'utf-8' } : {}), ...warning }
}

/** Accepts the browser's type from the client if the grant's type was derived from the filename. */
const isAnotherNameOf = (granted: string, other: string, filename: string): boolean =>
  sameType(granted, other) || sameType(granted, typeByName(essenceOf(other), filename) ?? '')

type Content = { result: Agreement; utf8: boolean; warning?: string }
const notRead: Content = { result: 'unknown', utf8: false }

async function checkContent(
  deps: Pick<ServiceDeps, 'config' | 'dev'>,
  readRange: ReadRange,
  head: ObjectHead,
  granted: string,
): Promise<Content> {
  // Load these with the first confirmed file. Startup does not need the signatures of a hundred formats.
  const [{ recognise, sampleBytes }, { agreement }] = await Promise.all([
    import('./recognise.ts'),
    import('./type-agreement.ts'),
  ])
  const sample = await readRange(0, sampleBytes)
  const found = await recognise(sample)
  const result = agreement(granted, found)
  if (result === 'contradicts' || (result === 'missing' && !deps.dev)) throw mismatch(describeMismatch(granted, found))
  const { maxPixels } = deps.config.uploads
  if (maxPixels !== null && isRaster(granted, found)) {
    await checkPixels(new ByteSource(sample, head.contentLength, readRange), maxPixels)
  }
  return {
    result,
    utf8: found.utf8,
    ...(result === 'missing' ? { warning: describeMismatch(granted, found) } : {}),
  }
}

/** Whether the type is text that declares its encoding neither in the type nor, like HTML and XML, in the content. */
function wantsCharset(mimeType: string): boolean {
  const type = parseMimeType(mimeType)
  return type?.type === 'text' && !type.parameters.has('charset') && !type.isHTML() && !type.isXML()
}

/** Text can start like an image, because `GIF89a` and `BM` are letters. */
const isRaster = (granted: string, { signature, weak, utf8 }: Recognised): boolean =>
  canonicalType(essenceOf(granted)).startsWith('image/') ||
  (signature !== undefined && signature.startsWith('image/') && !weak && !utf8)

/** A small file can contain an image that needs gigabytes of memory to display. */
async function checkPixels(source: ByteSource, maxPixels: number): Promise<void> {
  const { imageSize } = await import('./image-size/image-size.ts')
  const size = await imageSize(source)
  if (size === 'too-far') {
    throw mismatch(
      `The dimensions of the image are not in the ${maxBytes / 2 ** 20} MiB that are read. Save it with less metadata, or set uploads.maxPixels to null.`,
    )
  }
  if (size === undefined || size.width * size.height <= maxPixels) return
  throw mismatch(
    `The image has ${size.width} × ${size.height} pixels, ${millions(size.width * size.height)} million, over the limit of ${millions(maxPixels)} million (uploads.maxPixels). Send a smaller image, or raise uploads.maxPixels.`,
  )
}

const millions = (pixels: number): number => Number((pixels / 1e6).toPrecision(3))

/** Errors: PreconditionFailed if the object is replaced between two reads. */
const rangesOf =
  (store: StorageDriver, ref: ObjectRef, head: ObjectHead): ReadRange =>
  async (start, length) => {
    const end = Math.min(start + length, head.contentLength) - 1
    if (end < start) return Buffer.alloc(0)
    const object = await store.getObject(ref, {
      range: { start, end },
      ifMatch: `"${head.etag}"`,
      ...(head.versionId === undefined ? {} : { versionId: head.versionId }),
    })
    const chunks: Buffer[] = []
    for await (const chunk of object.stream()) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).subarray(0, end - start + 1)
  }

const mismatch = (message: string) => new StorageError('UploadMismatch', { message })

// Names the content of mismatched bytes and the usual mistake that causes it.

const causes: Record<Wrapping, readonly [what: string, remedy: string]> = {
  form: ['a multipart form', 'Send the bare file as the body, not a FormData.'],
  'data URL': ['a data URL', 'Send the File or Blob itself as the body.'],
  'stringified object': [
    'an object turned into a string',
    'Send the File or Blob as the body, not the object that contains it.',
  ],
  base64: ['base64', 'Send the bytes of the file without encoding.'],
  JSON: ['JSON', 'Send the bare file as the body, not JSON.'],
}

export function describeMismatch(granted: string, found: Recognised): string {
  const upload = `The upload was granted for ${granted},`
  if (found.markup !== undefined) return `${upload} but its bytes are ${found.markup}. ${another}`
  if (found.wrapping !== undefined && (found.signature === undefined || found.weak)) {
    const [what, remedy] = causes[found.wrapping]
    return `${upload} but its bytes are text (${what}). ${remedy}`
  }
  if (found.empty) return `${upload} but the file is empty (0 bytes). Send the file itself as the body.`
  if (found.signature !== undefined && !found.weak) return `${upload} but its bytes are ${found.signature}. ${another}`
  if (found.utf8) return `${upload} but its bytes are text. Send the bare file as the body.`
  if (!hasMandatorySignature(essenceOf(granted))) return `${upload} but its bytes are binary data. ${another}`
  return `${upload} but its bytes do not start like a file of that type. ${another}`
}

const another = 'Send the declared file, or request an upload URL with the type of this file.'
