/** Recognises weak secrets: well-known defaults, examples from manuals, and repetitions. */

const known = new Set(
  [
    'secret',
    'change me',
    'change this',
    'your secret',
    'your secret key',
    'your jwt secret',
    'your 256 bit secret',
    'your 384 bit secret',
    'your 512 bit secret',
    'super secret',
    'super secret key',
    'super secret jwt token with at least 32 characters long',
    'a string secret at least 256 bits long',
    'a valid string secret that is at least 512 bits long which is very long',
    'qwertyuiopasdfghjklzxcvbnm123456',
    'keyboard cat',
    'my secret',
    'my secret key',
    'jwt secret',
    'password',
    'minioadmin',
    'postern',
  ].map(plain),
)
const tellTale = [
  'changeme',
  'changethis',
  'changeit',
  'replaceme',
  'replacewith',
  'your256bitsecret',
  'putyoursecret',
].map(plain)

/** Why `secret` is weak, or null. `minBytes` is in UTF-8. */
export function weakness(secret: string, minBytes: number): string | null {
  const text = plain(secret)
  if (known.has(text) || tellTale.some((part) => text.includes(part)) || secret.includes('EXAMPLE')) {
    return 'is a well-known example'
  }
  const bytes = Buffer.byteLength(secret)
  if (bytes < minBytes) return `is too short: ${bytes} bytes, at least ${minBytes} are needed`
  if (/^(.{1,8}?)\1+.{0,7}$/su.test(secret)) return 'repeats itself'
  return null
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '')
}
