import type { Upload } from '../catalog/catalog.ts'
import type { Checksum, ChecksumAlgorithm, ObjectHead, ObjectRef } from '../drivers/driver.ts'
import { StorageError } from '../errors.ts'
import { storedChecksum } from './checksums.ts'
import type { ServiceDeps } from './deps.ts'
import { imageSize, isBomb, maxImageSide } from './image-size.ts'
import { isUnnamed, sameType } from './media-type.ts'

/** What a client says about the object when it confirms. Nothing here is believed, all of it is compared. */
export type Claims = { mimeType?: string; size?: number; checksum?: Checksum }

/** The store's word on an object that fits its grant. */
export type VerifiedObject = { head: ObjectHead; mimeType: string; checksum: Checksum | null }

/** Metadata before a JPEG's frame header is rarely more than this. */
const imageHeaderBytes = 512 * 1024

/**
 * Holds the stored object against what was granted and claimed: length, type, first bytes, digest.
 * Errors: NotFound when it is not there, PreconditionFailed when it is replaced meanwhile, UploadMismatch.
 */
export async function verifyObject(
  deps: ServiceDeps,
  { file, grant }: { file: Upload['file']; grant: NonNullable<Upload['grant']> },
  claims: Claims = {},
): Promise<VerifiedObject> {
  const head = await deps.driver.headObject(grant.target)
  checkSize(deps, head.contentLength, grant.declaredSize, claims.size)
  const mimeType = await checkType(deps, grant.target, head, file.mimeType, claims.mimeType)
  const checksum = await checkDigests(deps, grant.target, head, [grant.declaredChecksum, claims.checksum ?? null])
  return { head, mimeType, checksum }
}

const mismatch = (message: string) => new StorageError('UploadMismatch', { message })

function checkSize(deps: ServiceDeps, stored: number, granted: number | null, claimed: number | undefined): void {
  if (granted !== null && stored !== granted) {
    throw mismatch(`The upload was granted for ${granted} bytes, the store holds ${stored}. Ask for a new upload URL.`)
  }
  if (stored > deps.config.uploads.maxSize) {
    throw mismatch(`The store holds ${stored} bytes, more than the ${deps.config.uploads.maxSize} that are allowed.`)
  }
  if (claimed !== undefined && stored !== claimed) {
    throw mismatch(`size is ${claimed}, the store holds ${stored} bytes. Send the file again under a new upload URL.`)
  }
}

async function checkType(
  deps: ServiceDeps,
  ref: ObjectRef,
  head: ObjectHead,
  granted: string,
  claimed: string | undefined,
): Promise<string> {
  const stored = head.contentType ?? ''
  const unnamed = isUnnamed(stored)
  if (!unnamed && !sameType(stored, granted)) {
    throw mismatch(`The upload was granted for ${granted}, the store holds ${stored}.`)
  }
  if (claimed !== undefined && !sameType(claimed, granted)) {
    throw mismatch(`mimeType is ${claimed}, the object is ${unnamed ? granted : stored}.`)
  }
  const agrees = deps.config.uploads.sniff ? await checkContent(deps, ref, head, granted) : 'unknown'
  // A writer that named no type left it to the bytes: only they can vouch for it then.
  if (unnamed && !isUnnamed(granted) && agrees !== 'agrees') {
    throw mismatch(`The object has no content type: send the headers that came with the upload URL (${granted}).`)
  }
  return unnamed ? granted : stored
}

async function checkContent(deps: ServiceDeps, ref: ObjectRef, head: ObjectHead, granted: string) {
  // With the first confirmed file: the signatures of a hundred formats are nothing that a start needs.
  const [{ recognise, sampleBytes }, { agreement }] = await Promise.all([
    import('./recognise.ts'),
    import('./type-agreement.ts'),
  ])
  if (head.contentLength === 0) return agreement(granted, { weak: false, textual: true })
  const sample = await firstBytes(deps, ref, head, sampleBytes)
  const found = await recognise(sample)
  const result = agreement(granted, found)
  if (result === 'contradicts') {
    const what = found.markup ?? (found.weak ? undefined : found.signature) ?? 'binary data'
    throw mismatch(`The upload was granted for ${granted}, its bytes are ${what}.`)
  }
  let size = imageSize(sample)
  if (size === 'more' && head.contentLength > sample.length) {
    size = imageSize(await firstBytes(deps, ref, head, imageHeaderBytes))
  }
  if (typeof size === 'object' && isBomb(size)) {
    throw mismatch(`The image declares ${size.width} × ${size.height} pixels; each side must be below ${maxImageSide}.`)
  }
  return result
}

async function firstBytes(deps: ServiceDeps, ref: ObjectRef, head: ObjectHead, count: number): Promise<Buffer> {
  const object = await deps.driver.getObject(ref, {
    range: { start: 0, end: Math.min(count, head.contentLength) - 1 },
    ifMatch: `"${head.etag}"`,
    ...(head.versionId === undefined ? {} : { versionId: head.versionId }),
  })
  const chunks: Buffer[] = []
  for await (const chunk of object.stream()) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).subarray(0, count)
}

/** The digest to record: one that was declared and proved, else the store's own, else none. */
async function checkDigests(
  deps: ServiceDeps,
  ref: ObjectRef,
  head: ObjectHead,
  expected: readonly (Checksum | null)[],
): Promise<Checksum | null> {
  const declared = expected.filter((checksum) => checksum !== null)
  const stored = new Map<ChecksumAlgorithm, string>()
  for (const { algorithm, value } of declared) {
    const actual = stored.get(algorithm) ?? (await storedChecksum(deps.driver, ref, head, algorithm))
    stored.set(algorithm, actual)
    if (actual !== value) throw mismatch(`The ${algorithm} of the stored bytes is ${actual}, not ${value}.`)
  }
  return declared[0] ?? head.checksum ?? null
}
