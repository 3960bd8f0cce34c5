import { change, inText, withHeader, type Change } from './change.ts'
import type { Original } from './original.ts'
import { shown } from './read-claims.ts'

/** Types that are bound most often or set by clients automatically. */
const contentTypes = [
  'application/octet-stream',
  'binary/octet-stream',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'text/plain',
  'text/plain;charset=UTF-8',
  'text/plain; charset=utf-8',
  'text/html',
  'text/css',
  'text/csv',
  'text/javascript',
  'image/jpeg',
  'image/jpg',
  'image/png',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/heic',
  'image/svg+xml',
  'video/mp4',
  'video/quicktime',
  'video/webm',
  'audio/mpeg',
  'audio/wav',
  'application/pdf',
  'application/json',
  'application/zip',
  'application/xml',
]

const usual: Readonly<Record<string, readonly string[]>> = {
  'content-encoding': ['', 'gzip', 'aws-chunked', 'identity'],
  'content-disposition': ['', 'inline', 'attachment'],
  'content-length': ['0'],
  'cache-control': ['', 'no-cache', 'no-store'],
  'if-none-match': ['*'],
  range: [''],
  'x-amz-acl': ['private', 'public-read', 'bucket-owner-full-control', 'authenticated-read'],
  'x-amz-server-side-encryption': ['AES256', 'aws:kms'],
  'x-amz-storage-class': ['STANDARD', 'STANDARD_IA', 'INTELLIGENT_TIERING'],
  'x-amz-checksum-algorithm': ['SHA256', 'CRC32', 'CRC32C', 'SHA1', 'CRC64NVME'],
  'x-amz-sdk-checksum-algorithm': ['SHA256', 'CRC32', 'CRC32C', 'SHA1', 'CRC64NVME'],
  'x-amz-content-sha256': ['UNSIGNED-PAYLOAD'],
}

/** Other values of the signed headers, without `host`. */
export function plausibleHeaders(sent: Original): Change[] {
  return sent.headers
    .filter(([name]) => name !== 'host')
    .flatMap(([name, value]) =>
      otherValues(name, value)
        .filter((other) => other !== value)
        .map((other) => headerChange(name, other, value)),
    )
}

function otherValues(name: string, sent: string | null): string[] {
  if (name !== 'content-type') return [...(usual[name] ?? [])]
  const own =
    sent === null ? [] : [sent.toLowerCase(), sent.split(';', 1)[0]!, `${sent};charset=UTF-8`, `${sent}; charset=utf-8`]
  return [...new Set([...own, '', ...contentTypes])]
}

function headerChange(name: string, signed: string, sent: string | null): Change {
  const values = { signed: shown(name, inText(signed)), sent: sent === null ? null : shown(name, inText(sent)) }
  const about = { name, ...values }
  const message =
    sent === null
      ? `The header ${name} was signed as "${values.signed}" but not sent.`
      : `The header ${name} was signed as "${values.signed}" but sent as "${values.sent}".`
  const advice =
    `Send exactly "${name}: ${values.signed}"` +
    (name === 'content-type' ? '. Many clients set this header automatically.' : '.')
  return change(sent === null ? 'HeaderMissing' : 'HeaderChanged', about, { message, advice }, withHeader(name, signed))
}
