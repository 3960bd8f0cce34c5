import type { QueryParameter } from '../sigv4/encode.ts'
import type { UrlScheme } from './explanation.ts'

/** The signing scheme, from the parameter names or the Authorization scheme. */
export function schemeOf(parameters: readonly QueryParameter[], authorization: string): UrlScheme {
  const names = new Set(parameters.map(({ name }) => name.replace(/^amp;/, '').toLowerCase()))
  if ([...names].some((name) => name.startsWith('x-goog-'))) return 'gcs'
  if (names.has('googleaccessid')) return 'gcs'
  if (['x-amz-signature', 'x-amz-algorithm', 'x-amz-credential'].some((name) => names.has(name))) return 'sigv4'
  if (names.has('sig') && (names.has('sv') || names.has('se'))) return 'azure'
  if (names.has('key-pair-id') && (names.has('policy') || names.has('expires'))) return 'cloudfront'
  if (names.has('awsaccesskeyid')) return 'sigv2'
  if (authorization.startsWith('AWS4-')) return 'sigv4'
  if (/^AWS [^:\s]+:/.test(authorization)) return 'sigv2'
  return 'none'
}

/** Names for display. */
export const schemeName = {
  sigv4: 'AWS Signature Version 4',
  sigv2: 'AWS Signature Version 2',
  gcs: 'Google Cloud Storage',
  azure: 'an Azure shared access signature',
  cloudfront: 'a CloudFront signed URL',
  none: 'no signature',
} as const satisfies Record<UrlScheme, string>
