/** The path of a key as S3 wants it signed: every byte of its UTF-8 but the unreserved ones and slashes. */
export const encodeUri = (key: string): string =>
  [...Buffer.from(key.toWellFormed())]
    .map((byte) => {
      const char = String.fromCharCode(byte)
      return /[A-Za-z0-9._~/-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
