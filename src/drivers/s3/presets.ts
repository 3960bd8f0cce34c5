/**
 * The capabilities of each S3 store. A store has a capability only if its documentation or a measurement proves it. The
 * driver rejects a constraint that the store cannot enforce, and the service uses another way. `docs/s3-stores.md` has
 * the measurements.
 */
import type { Capability } from '../driver.ts'

export const providers = ['aws', 'r2', 'minio', 'ceph', 'gcs', 'b2', 'garage', 'other'] as const
export type Provider = (typeof providers)[number]

export type Preset = {
  /** The region to sign for if none is configured, or a function of the endpoint's host. */
  region: string | ((host: string) => string | undefined)
  forcePathStyle: boolean
  capabilities: readonly Capability[]
  /**
   * How a copy requires the source's ETag. `standard`: `x-amz-copy-source-if-match`. `ceph`: `x-amz-copy-if-match`, and
   * nothing for part copies. `ignored`: the driver compares the ETag of the copy afterwards.
   */
  copyIfMatch: 'standard' | 'ceph' | 'ignored'
  /** PutObject compares If-Match with the ETag without quotes. */
  bareIfMatch: boolean
  /** Supports If-None-Match and If-Match on CompleteMultipartUpload and on the target of CopyObject. */
  conditionalComplete: boolean
  conditionalCopy: boolean
  /** CopyObject and CreateMultipartUpload set the tags of the object. Otherwise the driver sets them afterwards. */
  keepsTags: boolean
  /** ListMultipartUploads returns common prefixes. */
  foldsUploads: boolean
  /**
   * Accepts a checksum after the bytes (`STREAMING-UNSIGNED-PAYLOAD-TRAILER`), so it stores the checksum of a stream.
   */
  trailers: boolean
  /** Supports SHA-512 and MD5 in `x-amz-checksum-*`. */
  recentChecksums: boolean
}

/** Every store that verifies SigV4 compares the signed headers. This gives `signed-length`. */
const cautious = {
  region: 'us-east-1',
  forcePathStyle: true,
  capabilities: ['signed-length', 'unequal-parts'],
  copyIfMatch: 'ignored',
  bareIfMatch: false,
  conditionalComplete: false,
  conditionalCopy: false,
  keepsTags: false,
  foldsUploads: true,
  trailers: false,
  recentChecksums: false,
} satisfies Preset

export const presets: Readonly<Record<Provider, Preset>> = {
  // API reference of PutObject, CopyObject, CompleteMultipartUpload, "Conditional writes", "Checking object integrity".
  aws: {
    region: (host) => /^s3[.-](?:dualstack\.)?([a-z0-9-]+)\.amazonaws\.com/.exec(host)?.[1] ?? 'us-east-1',
    forcePathStyle: false,
    capabilities: ['presign-post', 'signed-length', 'signed-checksum', 'conditional-put', 'unequal-parts'],
    copyIfMatch: 'standard',
    bareIfMatch: false,
    conditionalComplete: true,
    conditionalCopy: true,
    keepsTags: true,
    foldsUploads: true,
    trailers: true,
    recentChecksums: true,
  },
  // "S3 API compatibility": no POST Object, equal sizes for all parts but the last, conditional PutObject, and
  // copy-source conditions. It does not say whether a signed checksum is compared with the bytes.
  r2: { ...cautious, region: 'auto', capabilities: ['signed-length', 'conditional-put'], copyIfMatch: 'standard' },
  // Its handlers for PostPolicy, checksum headers, If-None-Match and copy conditions are part of its own test suite.
  minio: {
    ...cautious,
    capabilities: ['presign-post', 'signed-length', 'signed-checksum', 'conditional-put', 'unequal-parts'],
    copyIfMatch: 'standard',
    keepsTags: true,
  },
  // Measured on 16.2: no checksum headers, its own header for the copy condition, and no conditions on
  // CompleteMultipartUpload. Later versions may do more, but the version cannot be detected.
  ceph: {
    ...cautious,
    capabilities: ['presign-post', 'signed-length', 'conditional-put', 'unequal-parts'],
    copyIfMatch: 'ceph',
    bareIfMatch: true,
    foldsUploads: false,
  },
  // "Interoperability with S3": preconditions are x-goog-if-generation-match, and POST policies are signed as GOOG4.
  // Front ends may re-frame a body, so a signed content-length is not reliable.
  gcs: { ...cautious, region: 'auto', capabilities: ['unequal-parts'] },
  // "S3-Compatible API": no POST Object, no conditional writes, no additional checksums.
  b2: { ...cautious, region: (host) => /^s3\.([a-z0-9-]+)\.backblazeb2\.com$/.exec(host)?.[1] },
  // "S3 compatibility status": PostObject works. Its replicated data model does not allow conditional writes.
  garage: { ...cautious, region: 'garage', capabilities: ['presign-post', 'signed-length', 'unequal-parts'] },
  other: cautious,
}

/** Detects the provider by the endpoint's host. Any other host is `other`. */
export function detectProvider(endpoint: string | null): Provider {
  if (endpoint === null) return 'aws'
  const { hostname } = new URL(endpoint)
  for (const [pattern, provider] of hosts) if (pattern.test(hostname)) return provider
  return 'other'
}

const hosts: readonly (readonly [RegExp, Provider])[] = [
  [/(^|\.)amazonaws\.com(\.cn)?$/, 'aws'],
  [/(^|\.)r2\.cloudflarestorage\.com$/, 'r2'],
  [/^storage\.googleapis\.com$/, 'gcs'],
  [/(^|\.)backblazeb2\.com$/, 'b2'],
  [/(^|[.-])minio([.-]|$)/, 'minio'],
  [/(^|[.-])(ceph|rgw|radosgw)([.-]|$)/, 'ceph'],
  [/(^|[.-])garage([.-]|$)/, 'garage'],
]
