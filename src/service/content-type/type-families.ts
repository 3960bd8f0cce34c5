/**
 * Media types of the same format, and formats that share a container. `uploads.allowedTypes`, sniffing, the comparison
 * with the stored type, and the extension of keys use these tables.
 */

/** One format per row. The first name is the canonical one. */
const aliases: readonly (readonly string[])[] = [
  'image/jpeg image/jpg image/pjpeg image/x-jpeg image/x-jpg',
  'image/png image/x-png',
  'image/apng image/vnd.mozilla.apng',
  'image/heic image/x-heic',
  'image/heif image/x-heif',
  'image/bmp image/x-bmp image/x-ms-bmp image/x-windows-bmp',
  'image/x-icon image/vnd.microsoft.icon image/ico image/icon',
  'image/jp2 image/jpeg2000 image/jpeg2000-image image/x-jpeg2000-image',
  'image/vnd.adobe.photoshop image/x-photoshop image/psd image/x-psd application/x-photoshop application/photoshop',
  'image/tiff image/tif image/x-tiff image/x-tif',
  'image/x-adobe-dng image/dng',
  'image/x-fujifilm-raf image/x-fuji-raf',
  'image/icns image/x-icns',
  'image/x-xcf image/xcf',
  'image/vnd.ms-photo image/jxr',
  'image/vnd.dwg image/x-dwg application/acad application/x-acad application/dwg',
  'video/mp4 video/x-m4v video/m4v video/x-f4v video/f4v',
  'audio/mp4 audio/x-m4a audio/m4a audio/x-m4b audio/m4b audio/x-mp4',
  'audio/mpeg audio/mp3 audio/x-mp3 audio/x-mpeg audio/mpeg3 audio/x-mpeg-3 audio/mpg audio/x-mpg',
  'audio/aac audio/x-aac audio/aacp audio/x-hx-aac-adts audio/vnd.dlna.adts',
  'audio/wav audio/x-wav audio/wave audio/vnd.wave audio/x-pn-wav',
  'audio/flac audio/x-flac',
  'audio/aiff audio/x-aiff audio/aifc audio/x-aifc',
  'audio/midi audio/mid audio/x-midi audio/x-mid',
  'audio/ape audio/x-ape audio/x-monkeys-audio',
  'audio/wavpack audio/x-wavpack',
  'audio/amr audio/amr-nb audio/x-amr',
  'audio/x-musepack audio/musepack audio/x-mpc audio/mpc',
  'audio/x-caf audio/caf',
  'audio/x-dsf audio/dsf audio/x-dsd',
  'audio/x-dff audio/dff audio/x-dsdiff',
  'audio/x-voc audio/voc',
  'audio/qcelp audio/x-qcelp audio/vnd.qcelp',
  'audio/vnd.dolby.dd-raw audio/ac3 audio/x-ac3',
  'audio/ogg audio/x-ogg',
  'video/mpeg video/x-mpeg video/mpg',
  'video/mp2t video/vnd.dlna.mpeg-tts video/mpegts',
  'video/matroska video/x-matroska',
  'audio/matroska audio/x-matroska',
  'video/vnd.avi video/avi video/x-msvideo video/msvideo',
  'video/x-flv video/flv',
  'application/mxf video/mxf',
  'application/pdf application/x-pdf',
  'application/eps application/x-eps image/x-eps image/eps',
  'application/rtf text/rtf application/x-rtf',
  'application/zip application/x-zip application/x-zip-compressed',
  'application/gzip application/x-gzip',
  'application/x-bzip2 application/bzip2 application/x-bzip application/x-bz2',
  'application/x-xz application/xz',
  'application/zstd application/x-zstd',
  'application/x-tar application/tar',
  'application/x-rar-compressed application/vnd.rar application/x-rar application/rar',
  'application/x-7z-compressed application/7z application/x-7z',
  'application/lzip application/x-lzip',
  'application/x-lzh-compressed application/x-lha application/x-lzh application/lha',
  'application/vnd.ms-cab-compressed application/x-cab',
  'application/x-deb application/vnd.debian.binary-package application/x-debian-package',
  'application/x-rpm application/x-redhat-package-manager',
  'application/x-iso9660-image application/x-cd-image',
  'application/x-unix-archive application/x-archive',
  'application/x-sqlite3 application/vnd.sqlite3',
  'application/x-msdownload application/vnd.microsoft.portable-executable application/x-dosexec application/exe ' +
    'application/x-msdos-program',
  'application/x-shockwave-flash application/vnd.adobe.flash.movie',
  'application/dicom application/x-dicom',
  'font/ttf application/x-font-ttf application/x-font-truetype',
  'font/otf application/x-font-otf application/x-font-opentype application/vnd.ms-opentype',
  'font/woff application/font-woff application/x-font-woff',
  'font/woff2 application/font-woff2',
  'text/csv application/csv application/x-csv text/x-csv text/comma-separated-values',
  'text/markdown text/x-markdown',
  'text/vcard text/x-vcard',
  'application/json text/json application/x-json',
  'application/x-ndjson application/ndjson application/jsonl application/x-jsonlines',
  'application/yaml application/x-yaml text/yaml text/x-yaml',
].map((names) => names.split(' '))

const canonical = new Map(aliases.flatMap((names) => names.map((name) => [name, names[0]!] as const)))

/** The canonical name of a format. `essence` has no parameters and is in lower case. */
export const canonicalType = (essence: string): string => canonical.get(essence) ?? essence

/** Every name of a format. */
export const namesOf = (essence: string): readonly string[] =>
  aliases.find((names) => names.includes(essence)) ?? [essence]

/** Formats whose first bytes are the same, or that people and programs confuse with each other. */
const containers: readonly (readonly string[])[] = [
  'image/png image/apng',
  'image/heic image/heif image/heic-sequence image/heif-sequence image/avif image/avif-sequence',
  'image/jp2 image/jpx image/jpm image/mj2 image/j2c',
  'image/tiff image/x-canon-cr2 image/x-nikon-nef image/x-adobe-dng image/x-sony-arw image/x-olympus-orf ' +
    'image/x-panasonic-rw2 image/x-pentax-pef image/x-raw',
  'video/mp4 audio/mp4 application/mp4 video/quicktime video/3gpp audio/3gpp video/3gpp2 audio/3gpp2 audio/aac ' +
    'image/x-canon-cr3',
  'audio/aac audio/mpeg',
  'audio/mpeg video/mpeg',
  // Each of these may start with an ID3 tag that is longer than the sample.
  'audio/mpeg audio/flac audio/ape audio/wavpack audio/x-musepack',
  'audio/amr audio/amr-wb',
  'video/mpeg video/mp1s video/mp2p video/mp2t',
  'video/webm audio/webm video/matroska audio/matroska',
  'audio/ogg video/ogg application/ogg audio/opus audio/vorbis audio/x-vorbis+ogg audio/flac audio/speex',
  'application/vnd.ms-asf video/x-ms-asf video/x-ms-wmv audio/x-ms-wma audio/x-ms-asf',
  'application/vnd.rn-realmedia audio/x-pn-realaudio video/x-pn-realvideo audio/vnd.rn-realaudio',
  'application/pdf application/illustrator application/postscript',
  'application/postscript application/eps',
  'application/gzip application/x-compressed-tar application/x-gtar application/x-tgz',
  'application/x-tar application/x-gtar',
  'application/x-bzip2 application/x-bzip-compressed-tar',
  'application/rtf application/msword',
  'application/x-cfb application/msword application/vnd.ms-excel application/vnd.ms-powerpoint ' +
    'application/vnd.ms-outlook application/vnd.visio application/x-ole-storage application/x-msi',
  'font/ttf font/otf font/sfnt font/collection',
].map((names) => names.split(' '))

const zipped = [
  /^application\/zip$/,
  /\+zip$/,
  /^application\/vnd\.(?:openxmlformats-officedocument|oasis\.opendocument)\./,
  /^application\/vnd\.apple\.(?:keynote|numbers|pages)$/,
  /^application\/vnd\.ms-.*macroenabled/,
  /^application\/(?:java-archive|x-xpinstall|x-cbz|x-iwork-.*|vnd\.visio|vnd\.google-earth\.kmz)$/,
  /^application\/vnd\.android\.package-archive$/,
  /^model\/3mf$/,
]
export const isZipped = (type: string): boolean => zipped.some((pattern) => pattern.test(canonicalType(type)))

/** Whether bytes that are recognised as one type may be a file of the other. */
export function areRelated(one: string, other: string): boolean {
  const [a, b] = [canonicalType(one), canonicalType(other)]
  if (a === b || (isZipped(a) && isZipped(b))) return true
  return containers.some((formats) => formats.includes(a) && formats.includes(b))
}

/** Whether a row of `containers` includes the format. */
export const isInFamily = (type: string): boolean => {
  const name = canonicalType(type)
  return canonical.has(name) || isZipped(name) || containers.some((formats) => formats.includes(name))
}

/**
 * Formats whose files always start with a fixed signature. Formats without one (tar, MP3, MPEG streams), with one too
 * far inside (ISO images), or with several forms under one name (old Office, QuickTime) are not listed.
 */
const signed = new Set(
  (
    'image/png image/apng image/jpeg image/gif image/webp image/bmp image/x-icon image/icns image/heic image/heif ' +
    'image/heic-sequence image/heif-sequence image/avif image/avif-sequence image/jp2 image/jpx image/jpm image/mj2 ' +
    'image/j2c image/jxl image/jls image/vnd.ms-photo image/tiff image/x-canon-cr2 image/x-canon-cr3 ' +
    'image/x-nikon-nef image/x-adobe-dng image/x-sony-arw image/x-olympus-orf image/x-panasonic-rw2 ' +
    'image/x-fujifilm-raf image/vnd.adobe.photoshop image/x-xcf image/flif image/bpg image/ktx image/vnd.dwg ' +
    'video/mp4 audio/mp4 application/mp4 video/3gpp audio/3gpp video/3gpp2 audio/3gpp2 video/webm audio/webm ' +
    'video/matroska audio/matroska audio/ogg video/ogg application/ogg audio/opus audio/vorbis video/vnd.avi ' +
    'video/x-flv application/vnd.ms-asf video/x-ms-asf video/x-ms-wmv audio/x-ms-wma audio/x-ms-asf application/mxf ' +
    'audio/wav audio/flac audio/aiff audio/midi audio/ape audio/wavpack audio/amr audio/amr-wb audio/x-caf ' +
    'audio/x-dsf audio/x-dff application/pdf application/gzip application/x-compressed-tar application/x-tgz ' +
    'application/x-bzip2 application/x-bzip-compressed-tar application/x-xz application/zstd application/lzip ' +
    'application/x-rar-compressed application/x-7z-compressed application/vnd.ms-cab-compressed application/x-deb ' +
    'application/x-rpm application/x-sqlite3 application/wasm application/x-shockwave-flash font/ttf font/otf ' +
    'font/collection font/woff font/woff2'
  ).split(' '),
)
export const hasMandatorySignature = (type: string): boolean => {
  const name = canonicalType(type)
  return signed.has(name) || (isZipped(name) && name !== 'application/vnd.visio')
}

/** Text formats below image/, video/ and audio/: drawings, playlists, and formats with long readable headers. */
const writtenAsText = new Set([
  'image/svg+xml',
  'image/x-portable-anymap',
  'image/x-portable-bitmap',
  'image/x-portable-graymap',
  'image/x-portable-pixmap',
  'image/x-xbitmap',
  'image/x-xbm',
  'image/x-xpixmap',
  'image/x-xpm',
  'image/vnd.dxf',
  'image/x-dxf',
  'image/cgm',
  'image/fits',
  'image/vnd.radiance',
  'image/x-eps',
  'image/eps',
  'audio/x-mpegurl',
  'audio/mpegurl',
  'audio/x-scpls',
  'audio/x-pn-realaudio',
  'audio/x-ms-wax',
  'video/vnd.mpegurl',
  'video/x-ms-asx',
  'video/x-ms-wvx',
])
const archives = new Set([
  'application/pdf',
  'application/x-tar',
  'application/x-gtar',
  'application/x-iso9660-image',
  'application/x-apple-diskimage',
  'application/x-compress',
  'application/x-cpio',
  'application/x-lzh-compressed',
  'application/x-arj',
])
/** Images, video, audio, PDF and archives. A file of such a type that is only text was damaged before the upload. */
export const isNeverText = (type: string): boolean =>
  hasMandatorySignature(type) ||
  archives.has(canonicalType(type)) ||
  (/^(?:image|video|audio)\//.test(type) && !/\+(?:xml|json)$/.test(type) && !writtenAsText.has(type))
