/**
 * Recognises an object by its first bytes, with bounded work. Containers that would need parsing (zip, gzip, ASF) are
 * recognised by their signature alone. file-type recognises the rest from at most `sampleBytes`.
 */
import { fileTypeFromBuffer } from 'file-type'
import { essenceOf } from '../../media-type.ts'

export const sampleBytes = 4100

export type Recognised = {
  /** Markup that a browser would execute. file-type does not recognise it. */
  markup?: 'text/html' | 'image/svg+xml' | 'application/xml'
  /** The type of a known signature, in lower case and without parameters. */
  signature?: string
  /** The signature is so short that ordinary text or random bytes can start with it. */
  weak: boolean
  /** Every byte can occur in text of a usual encoding. */
  textual: boolean
  /** The sample is UTF-8 text, including ASCII. False for an empty file. */
  utf8: boolean
  empty: boolean
  /** The form in which a client wrongly sent the file as text. */
  wrapping?: Wrapping
}

export type Wrapping = 'form' | 'data URL' | 'stringified object' | 'base64' | 'JSON'

export async function recognise(sample: Uint8Array): Promise<Recognised> {
  const bytes = Buffer.from(sample.buffer, sample.byteOffset, Math.min(sample.byteLength, sampleBytes))
  const markup = markupOf(bytes)
  const signature = containerOf(bytes) ?? (await fileTypeOf(bytes)) ?? tiffOf(bytes)
  const textual = isTextual(bytes)
  const utf8 = textual && isUtf8(bytes, sample.byteLength >= sampleBytes)
  const wrapping = utf8 ? wrappingOf(bytes.toString()) : undefined
  return {
    ...(markup === undefined ? {} : { markup }),
    ...(signature === undefined ? {} : { signature }),
    weak: signature !== undefined && isWeak(signature, bytes),
    textual,
    utf8,
    empty: bytes.length === 0,
    ...(wrapping === undefined ? {} : { wrapping }),
  }
}

async function fileTypeOf(bytes: Buffer): Promise<string | undefined> {
  try {
    const found = await fileTypeFromBuffer(bytes)
    // Some of its types have parameters, for example `audio/ogg; codecs=opus`.
    return found === undefined ? undefined : essenceOf(found.mime)
  } catch {
    // The parser of file-type failed on a broken file.
    return undefined
  }
}

const zipSignatures = new Set(['504b0304', '504b0506', '504b0708'])
const asfGuid = Buffer.from('3026b2758e66cf11a6d900aa0062ce6c', 'hex')

function containerOf(bytes: Buffer): string | undefined {
  if (zipSignatures.has(bytes.toString('hex', 0, 4))) return 'application/zip'
  if (bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8) return 'application/gzip'
  if (bytes.subarray(0, 16).equals(asfGuid)) return 'application/vnd.ms-asf'
  // WAV of more than 4 GiB, and big-endian WAV. file-type knows only RIFF.
  if (/^(?:RF64|BW64|RIFX)[^]{4}WAVE/.test(bytes.toString('latin1', 0, 12))) return 'audio/wav'
  // A PDF may have up to 1024 bytes of anything before its header.
  if (bytes.subarray(0, 1028).includes('%PDF-')) return 'application/pdf'
  return undefined
}

/** file-type does not recognise a TIFF whose directory comes after the sample, where most programs write it. */
const tiffOf = (bytes: Buffer): string | undefined =>
  /^(?:49492[ab]00|4d4d002[ab])/.test(bytes.toString('hex', 0, 4)) ? 'image/tiff' : undefined

/** Signatures of two bytes or a bit pattern. */
const weakSignatures = new Set([
  'image/bmp',
  'image/jxl',
  'image/x-icon',
  'audio/vnd.dolby.dd-raw',
  'audio/mpeg',
  'audio/aac',
  'video/mp2t',
  'application/x-apple-diskimage',
  'application/x-msdownload',
  'application/x-compress',
  'application/x-cpio',
  'application/x-arj',
])

function isWeak(signature: string, bytes: Buffer): boolean {
  if (!weakSignatures.has(signature)) return false
  if (signature === 'audio/mpeg') return bytes.toString('latin1', 0, 3) !== 'ID3'
  if (signature === 'image/jxl') return bytes[0] === 0xff
  // A cursor starts like an uncompressed TGA.
  if (signature === 'image/x-icon') return bytes[2] === 2
  if (signature === 'application/x-msdownload') return !isExecutable(bytes)
  return true
}

function isExecutable(bytes: Buffer): boolean {
  if (bytes[2] === 0x90 && bytes[3] === 0) return true
  if (bytes.length < 0x40) return false
  const at = bytes.readUInt32LE(0x3c)
  return bytes.subarray(at, at + 4).equals(Buffer.from('PE\0\0', 'latin1'))
}

/** The element names by which browsers recognise HTML (https://mimesniff.spec.whatwg.org/, section 7.1). */
const htmlStart =
  /^<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|img|form|input|link|meta|object|embed|base|template|video|audio|math)[\s/>]/i
/** Comments, processing instructions and a DOCTYPE may precede the root element. */
const prologue = /^(?:\s+|<!--[^]*?-->|<\?[^]*?\?>|<!doctype (?!html)[^>[]*(?:\[[^\]]*\]\s*)?>)+/i

function markupOf(bytes: Buffer): Recognised['markup'] {
  const text = decode(bytes)
  const root = text.replace(prologue, '')
  if (/^<(?:[a-z_][\w.-]*:)?svg[\s/>]/i.test(root)) return 'image/svg+xml'
  if (htmlStart.test(root) || root.startsWith('<!--')) return 'text/html'
  return /^\s*<\?xml\s/i.test(text) ? 'application/xml' : undefined
}

function decode(bytes: Buffer): string {
  const encoding = bomOf(bytes) ?? 'latin1'
  return new TextDecoder(encoding).decode(bytes).replace(/^(?:\uFEFF|\xEF\xBB\xBF)?\s*/, '')
}

function bomOf(bytes: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return undefined
}

/** The binary data bytes of https://mimesniff.spec.whatwg.org/#binary-data-byte. */
const isTextual = (bytes: Buffer): boolean =>
  bomOf(bytes) !== undefined ||
  !bytes.some(
    (byte) => byte <= 0x08 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f),
  )

function isUtf8(bytes: Buffer, cut: boolean): boolean {
  if (bytes.length === 0 || bomOf(bytes) !== undefined) return false
  try {
    // Accept a character that is cut off at the end of the sample.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: cut })
    return true
  } catch {
    return false
  }
}

const wrappings: readonly (readonly [Wrapping, RegExp])[] = [
  ['form', /^(?:\r\n)?--[!-~ ]{1,200}\r?\ncontent-(?:disposition: *form-data|type:)/i],
  ['data URL', /^data:[\w.+/-]{0,200}(?:;[\w.+=-]{1,100}){0,5},/i],
  ['stringified object', /^(?:\[object \w{1,50}\]|undefined|null)\s*$/],
  ['JSON', /^\s{0,100}(?:\{\s{0,100}["}]|\[\s{0,100}[[{"\]\d])/],
]

function wrappingOf(text: string): Wrapping | undefined {
  const known = wrappings.find(([, pattern]) => pattern.test(text))?.[0]
  return known ?? (isBase64(text) ? 'base64' : undefined)
}

/** Words and repeated letters are valid base64 too, so only text that looks like an encoded file counts. */
const isBase64 = (text: string): boolean =>
  text.length >= 64 &&
  /^[\w+/-]{60}[\w+/\r\n-]*={0,2}\s*$/.test(text) &&
  [/[a-z]/, /[A-Z]/, /[0-9]/].every((kind) => kind.test(text))
