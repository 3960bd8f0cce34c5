/** What to do about answers of the objects endpoint whose words, S3's own, do not say it. */
const advice: Record<string, string> = {
  AccessDenied:
    'Ask the API for a fresh URL. A file that is confirmed takes no more bytes: upload the new ones as a new file.',
  NoSuchKey:
    'Nothing was stored under this key, or it was deleted. Look at the file in the console, then ask for a new URL.',
  NoSuchUpload: 'The multipart upload was completed, aborted or has expired: begin a new one.',
  PreconditionFailed:
    'This URL can only create its object, which is there already. Confirm the upload, or begin a new one.',
  EntityTooLarge: 'Send what was announced, or raise uploads.maxSize.',
  MissingContentLength: 'Send Content-Length: a stream of unknown length cannot be checked against the grant.',
  IncompleteBody: 'The connection ended before the announced number of bytes. Send the bytes again to the same URL.',
  BadDigest: 'The bytes that arrived are not those that the digest was made of. Read the file again and send it again.',
  XAmzContentSHA256Mismatch: 'The bytes that arrived are not those that the digest was made of. Sign and send again.',
  InvalidDigest: 'Content-MD5 is the base64 of 16 bytes, not hex.',
  RequestTimeout: 'The bytes came too slowly. Send them again, in parts where the file is large.',
  SlowDown: 'Wait for the seconds in Retry-After, then send again.',
  InsufficientStorage: 'The disk has less than storage.disk.minFree left: make room, or lower it.',
  InvalidURI: 'Percent-encode the key once, as the URL that was issued has it.',
  NotImplemented: 'This endpoint has no such operation: docs/s3-compatibility.md lists those it has.',
  InternalError: 'The log of the server says more under this request id.',
  ServiceUnavailable: 'Wait a moment, then send again. The log of the server says more under this request id.',
}

export const adviceFor = (code: string): string | null => (Object.hasOwn(advice, code) ? advice[code]! : null)
