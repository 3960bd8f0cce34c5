/** Whether a stored object is of the type that its upload was granted for: by its content type, and by its bytes. */
import type { FileRecord } from '../../catalog/catalog.ts'
import type { ObjectHead, ObjectRef, StorageDriver } from '../../drivers/driver.ts'
import { StorageError } from '../../errors.ts'
import { essenceOf, parseMimeType } from '../../media-type.ts'
import type { ServiceDeps } from '../deps.ts'
import { ByteSource, mostBytes, type ReadRange } from './image-size/byte-source.ts'
import { isUnnamed, sameType, typeByName } from './declared-type.ts'
import type { Agreement } from './type-agreement.ts'
import { canonicalType, hasMandatorySignature } from './type-families.ts'
import type { Recognised, Wrapping } from './recognise.ts'

/** `warning`: the bytes lack the signature of the type, which counts as a mismatch without `--dev`. */
export type VerifiedType = { mimeType: string; charset?: 'utf-8'; warning?: string }

/** The type to record. Errors: UploadMismatch, PreconditionFailed when the object is replaced meanwhile. */
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
      `The upload was granted for ${granted}, the store holds ${stored}. Send the headers that came with the upload URL.`,
    )
  }
  if (claimed !== undefined && !isAnotherNameOf(granted, claimed, file.filename)) {
    throw mismatch(`mimeType is ${claimed}, the object is ${granted}. Ask for an upload URL with the type of the file.`)
  }
  const { result, utf8, ...warning } = deps.config.uploads.sniff
    ? await checkContent(deps, rangesOf(store, ref, head), head, granted)
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

async function checkContent(
  deps: Pick<ServiceDeps, 'config' | 'dev'>,
  readRange: ReadRange,
  head: ObjectHead,
  granted: string,
): Promise<Content> {
  // With the first confirmed file: the signatures of a hundred formats are nothing that a start needs.
  const [{ recognise, sampleBytes }, { agreement }] = await Promise.all([
    import('./recognise.ts'),
    import('./type-agreement.ts'),
  ])
  const sample = await readRange(0, sampleBytes)
  const found = await recognise(sample)
  const result = agreement(granted, found)
  if (result === 'contradicts' || (result === 'missing' && !deps.dev)) throw mismatch(whatIsWrong(granted, found))
  const { maxPixels } = deps.config.uploads
  if (maxPixels !== null && isRaster(granted, found)) {
    await checkPixels(new ByteSource(sample, head.contentLength, readRange), maxPixels)
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

/** Text may begin like an image: `GIF89a` and `BM` are letters. */
const isRaster = (granted: string, { signature, weak, utf8 }: Recognised): boolean =>
  canonicalType(essenceOf(granted)).startsWith('image/') ||
  (signature !== undefined && signature.startsWith('image/') && !weak && !utf8)

/** A small file can hold an image that takes gigabytes to show. */
async function checkPixels(source: ByteSource, maxPixels: number): Promise<void> {
  const { imageSize } = await import('./image-size/image-size.ts')
  const size = await imageSize(source)
  if (size === 'too-far') {
    throw mismatch(
      `The size of the image could not be found in the ${mostBytes / 2 ** 20} MiB that are read. Save it with less metadata, or set uploads.maxPixels to null.`,
    )
  }
  if (size === undefined || size.width * size.height <= maxPixels) return
  throw mismatch(
    `The image has ${size.width} × ${size.height} pixels, ${millions(size.width * size.height)} million; uploads.maxPixels allows ${millions(maxPixels)} million. Send a smaller image, or raise uploads.maxPixels.`,
  )
}

const millions = (pixels: number): number => Number((pixels / 1e6).toPrecision(3))

/** Errors: PreconditionFailed when the object is replaced meanwhile. */
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

// Why bytes are not what they were granted as, with the mistake that usually causes it.

const causes: Record<Wrapping, readonly [what: string, remedy: string]> = {
  form: ['a multipart form', 'The file was wrapped in a form; send the bare file as the body, not a FormData.'],
  'data URL': ['a data URL', 'The file was read as a data URL; send the File or Blob itself as the body.'],
  'stringified object': [
    'an object turned into a string',
    'The object that holds the file was sent; send the File or Blob itself as the body.',
  ],
  base64: ['base64', 'The file was encoded as base64; send its bytes as they are.'],
  JSON: ['JSON', 'The file was wrapped in JSON; send the bare file as the body.'],
}

export function whatIsWrong(granted: string, found: Recognised): string {
  const upload = `The upload was granted for ${granted},`
  if (found.markup !== undefined) return `${upload} its bytes are ${found.markup}. ${another}`
  if (found.wrapping !== undefined && (found.signature === undefined || found.weak)) {
    const [what, remedy] = causes[found.wrapping]
    return `${upload} its bytes are text: ${what}. ${remedy}`
  }
  if (found.empty) return `${upload} the file is empty (0 bytes). Send the file itself as the body.`
  if (found.signature !== undefined && !found.weak) return `${upload} its bytes are ${found.signature}. ${another}`
  if (found.utf8) return `${upload} its bytes are text. Send the bare file as the body.`
  if (!hasMandatorySignature(essenceOf(granted))) return `${upload} its bytes are binary data. ${another}`
  return `${upload} its bytes do not begin as a file of that type does. ${another}`
}

const another = 'Send the file that was announced, or ask for an upload URL with the type that it has.'
