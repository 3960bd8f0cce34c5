/** Whether bytes may bear the type that was declared for them. */
import { supportedMimeTypes } from 'file-type'
import { baseType, defaultType } from './media-type.ts'
import type { Recognised } from './recognise.ts'

/** `unknown`: nothing speaks against the type, and nothing for it. */
export type Agreement = 'agrees' | 'contradicts' | 'unknown'

/** Names and containers that stand for one another: browsers, operating systems and signatures name them differently. */
const families: readonly (readonly string[])[] = [
  'image/jpeg image/jpg image/pjpeg',
  'image/png image/x-png image/apng image/vnd.mozilla.apng',
  'image/heic image/heif image/heic-sequence image/heif-sequence image/avif image/avif-sequence',
  'image/bmp image/x-bmp image/x-ms-bmp',
  'image/x-icon image/vnd.microsoft.icon',
  'image/jp2 image/jpx image/jpm image/mj2 image/jpeg2000',
  'image/vnd.adobe.photoshop image/x-photoshop image/psd application/x-photoshop application/photoshop',
  'image/tiff image/x-tiff image/x-canon-cr2 image/x-nikon-nef image/x-adobe-dng image/dng image/x-sony-arw ' +
    'image/x-olympus-orf image/x-panasonic-rw2 image/x-pentax-pef image/x-raw',
  'video/mp4 audio/mp4 application/mp4 video/quicktime video/x-m4v audio/x-m4a audio/m4a video/3gpp ' +
    'audio/3gpp video/3gpp2 audio/3gpp2 audio/aac audio/x-m4b image/x-canon-cr3',
  'audio/aac audio/x-aac audio/aacp audio/x-hx-aac-adts audio/mpeg',
  'audio/mpeg audio/mp3 audio/x-mp3 audio/x-mpeg audio/mpeg3 audio/x-mpeg-3 video/mpeg',
  'video/mpeg video/mp1s video/mp2p video/mp2t video/x-mpeg video/vnd.dlna.mpeg-tts',
  'video/webm audio/webm video/matroska video/x-matroska audio/x-matroska audio/matroska',
  'audio/ogg video/ogg application/ogg audio/opus audio/vorbis audio/x-vorbis+ogg audio/flac',
  'audio/wav audio/x-wav audio/wave audio/vnd.wave audio/x-pn-wav',
  'audio/flac audio/x-flac',
  'audio/aiff audio/x-aiff',
  'audio/midi audio/mid audio/x-midi',
  'video/vnd.avi video/avi video/x-msvideo video/msvideo',
  'video/x-flv video/flv',
  'application/vnd.ms-asf video/x-ms-asf video/x-ms-wmv audio/x-ms-wma audio/x-ms-asf',
  'application/pdf application/x-pdf application/illustrator application/postscript',
  'application/postscript application/eps application/x-eps image/x-eps',
  'application/gzip application/x-gzip application/x-compressed-tar application/x-gtar application/x-tgz',
  'application/x-bzip2 application/x-bzip application/x-bzip-compressed-tar',
  'application/x-rar-compressed application/vnd.rar application/x-rar',
  'application/x-7z-compressed application/7z',
  'application/x-sqlite3 application/vnd.sqlite3',
  'application/rtf text/rtf application/msword',
  'application/x-cfb application/msword application/vnd.ms-excel application/vnd.ms-powerpoint ' +
    'application/vnd.ms-outlook application/vnd.visio application/x-ole-storage application/x-msi',
  'application/x-msdownload application/vnd.microsoft.portable-executable application/x-dosexec application/exe',
  'font/ttf font/otf font/sfnt font/collection application/x-font-ttf application/x-font-otf',
  'font/woff application/font-woff application/x-font-woff',
].map((names) => names.split(' '))

const zipped = [
  /^application\/(?:x-)?zip(?:-compressed)?$/,
  /\+zip$/,
  /^application\/vnd\.(?:openxmlformats-officedocument|oasis\.opendocument|apple)\./,
  /^application\/vnd\.ms-.*macroenabled/,
  /^application\/(?:java-archive|x-xpinstall|x-cbz|x-iwork-.*|vnd\.visio|vnd\.google-earth\.kmz)$/,
  /^application\/vnd\.android\.package-archive$/,
  /^model\/3mf$/,
]
const isZipped = (type: string): boolean => zipped.some((pattern) => pattern.test(type))

const textual = [
  /^text\//,
  /\+(?:json|xml|yaml)$/,
  /^application\/(?:json|jsonl|ndjson|x-ndjson|xml|yaml|x-yaml|toml|sql|graphql|rtf|x-sh)$/,
  /^application\/(?:javascript|ecmascript|x-javascript)$/,
]
const markup = /^(?:text\/.*|application\/xml|.*\+xml)$/
/** Signatures of ASCII letters: such bytes are text and yet are something else. */
const printableSignatures = new Set(['application/pdf', 'application/postscript', 'application/eps'])

export function agreement(declared: string, bytes: Recognised): Agreement {
  const type = baseType(declared)
  if (bytes.markup !== undefined) return agreesWithMarkup(type, bytes.markup)
  if (textual.some((pattern) => pattern.test(type))) return agreesWithText(type, bytes)
  if (bytes.signature === undefined) return type === defaultType ? 'agrees' : 'unknown'
  if (type === defaultType || areRelated(type, bytes.signature)) return 'agrees'
  if (bytes.weak) return 'unknown'
  return isKnown(type) || !type.startsWith('application/') ? 'contradicts' : 'unknown'
}

function agreesWithMarkup(type: string, found: NonNullable<Recognised['markup']>): Agreement {
  if (type === defaultType) return 'agrees'
  if (type === 'image/svg+xml') return found === 'text/html' ? 'contradicts' : 'agrees'
  if (markup.test(type)) return 'agrees'
  return isKnown(type) || type.endsWith('json') || !type.startsWith('application/') ? 'contradicts' : 'unknown'
}

/** Text that merely begins like something (`BM`, `MZ`) is still text; bytes that no text holds are not. */
function agreesWithText(type: string, bytes: Recognised): Agreement {
  if (!bytes.textual) return 'contradicts'
  const foreign = bytes.signature !== undefined && printableSignatures.has(bytes.signature)
  return foreign && !areRelated(type, bytes.signature ?? '') ? 'contradicts' : 'agrees'
}

function areRelated(a: string, b: string): boolean {
  if (a === b || (isZipped(a) && isZipped(b))) return true
  return families.some((family) => family.includes(a) && family.includes(b))
}

/** A type whose bytes would have been recognised as itself. */
const isKnown = (type: string): boolean =>
  supportedMimeTypes.has(type) || isZipped(type) || families.some((family) => family.includes(type))
