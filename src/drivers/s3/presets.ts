/**
 * What each S3 store can do, in one table. A store gets a capability only where its documentation or a measurement says
 * so: what it cannot enforce is refused, and the service takes another way. `docs/s3-stores.md` has the measurements.
 */
import type { Capability } from '../driver.ts'

export const providers = ['aws', 'r2', 'minio', 'ceph', 'gcs', 'b2', 'garage', 'other'] as const
export type Provider = (typeof providers)[number]

export type Preset = {
  /** The region to sign for where none is configured, or a function of the endpoint's host. */
  region: string | ((host: string) => string | undefined)
  forcePathStyle: boolean
  capabilities: readonly Capability[]
  /**
   * How a copy is bound to the source's ETag. `standard`: `x-amz-copy-source-if-match`. `ceph`: the store reads
   * `x-amz-copy-if-match` instead, and on part copies neither. `ignored`: the ETag of the copy is compared afterwards.
   */
  copyIfMatch: 'standard' | 'ceph' | 'ignored'
  /** PutObject compares If-Match with the ETag as text, without quotes. */
  bareIfMatch: boolean
  /** If-None-Match and If-Match on CompleteMultipartUpload and on the target of CopyObject. */
  conditionalComplete: boolean
  conditionalCopy: boolean
  /** Tags given to CopyObject and CreateMultipartUpload reach the object; elsewhere they are set when it is there. */
  keepsTags: boolean
  /** ListMultipartUploads tells common prefixes. */
  foldsUploads: boolean
  /** Takes a checksum after the bytes (`STREAMING-UNSIGNED-PAYLOAD-TRAILER`), so that a stream's checksum is stored. */
  trailers: boolean
  /** SHA-512 and MD5 in `x-amz-checksum-*`. */
  recentChecksums: boolean
}

/** SigV4 makes every store that verifies it compare the headers that were signed: hence `signed-length`. */
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
  // "S3 API compatibility": no POST Object, all parts but the last of one size, conditional PutObject and the
  // copy-source conditions. Whether a signed checksum is compared with the bytes is not said.
  r2: { ...cautious, region: 'auto', capabilities: ['signed-length', 'conditional-put'], copyIfMatch: 'standard' },
  // Its handlers for PostPolicy, checksum headers, If-None-Match and copy conditions are part of its own test suite.
  minio: {
    ...cautious,
    capabilities: ['presign-post', 'signed-length', 'signed-checksum', 'conditional-put', 'unequal-parts'],
    copyIfMatch: 'standard',
    keepsTags: true,
  },
  // Measured on 16.2: it knows no checksum headers, reads its own name for the copy condition, ignores conditions on
  // CompleteMultipartUpload. Later versions may do more; which one answers cannot be seen from outside.
  ceph: {
    ...cautious,
    capabilities: ['presign-post', 'signed-length', 'conditional-put', 'unequal-parts'],
    copyIfMatch: 'ceph',
    bareIfMatch: true,
    foldsUploads: false,
  },
  // "Interoperability with S3": preconditions are x-goog-if-generation-match, POST policies are signed as GOOG4, and
  // front ends may re-frame a body, so a signed content-length is not relied upon.
  gcs: { ...cautious, region: 'auto', capabilities: ['unequal-parts'] },
  // "S3-Compatible API": no POST Object, no conditional writes, no additional checksums.
  b2: { ...cautious, region: (host) => /^s3\.([a-z0-9-]+)\.backblazeb2\.com$/.exec(host)?.[1] },
  // "S3 compatibility status": PostObject is there; conditional writes cannot be, by its replicated data model.
  garage: { ...cautious, region: 'garage', capabilities: ['presign-post', 'signed-length', 'unequal-parts'] },
  other: cautious,
}

/** The provider that an endpoint's host name tells; a store under a name of its own is `other`. */
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
