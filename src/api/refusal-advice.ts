/** Advice for errors of the objects endpoint whose S3 message does not say what to do. */
const advice: Record<string, string> = {
  AccessDenied:
    'Request a fresh URL from the API. A confirmed file cannot be changed, so upload new content as a new file.',
  NoSuchKey:
    'Nothing was stored under this key, or it was deleted. Check the file in the console, then request a new URL.',
  NoSuchUpload: 'The multipart upload was completed, aborted or has expired. Start a new one.',
  PreconditionFailed:
    'This URL can only create its object, which already exists. Confirm the upload or start a new one.',
  EntityTooLarge: 'Send the declared size, or raise uploads.maxSize.',
  MissingContentLength: 'Send Content-Length. Without it the size cannot be checked against the grant.',
  IncompleteBody: 'The connection closed before all bytes arrived. Send them again to the same URL.',
  BadDigest: 'The bytes do not match the checksum. Read the file again and resend it.',
  XAmzContentSHA256Mismatch: 'The bytes do not match the signed checksum. Sign and send the request again.',
  InvalidDigest: 'Content-MD5 must be the base64 form of the 16-byte digest, not hex.',
  RequestTimeout: 'The upload was too slow. Send it again, and use a multipart upload for a large file.',
  SlowDown: 'Wait for the time in Retry-After, then retry.',
  InsufficientStorage: 'The disk has less free space than storage.disk.minFree. Free up space or lower the setting.',
  InvalidURI: 'Percent-encode the key exactly once, as in the issued URL.',
  NotImplemented: 'This endpoint does not support the operation. See docs/s3-compatibility.md for the list.',
  InternalError: 'Search the server log for this request id.',
  ServiceUnavailable: 'Retry in a moment. For the cause, search the server log for this request id.',
}

export const adviceFor = (code: string): string | null => (Object.hasOwn(advice, code) ? advice[code]! : null)
