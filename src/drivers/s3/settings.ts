/** The driver's options, with defaults from the provider's preset. */
import { resolveTarget } from '../../sigv4/endpoint.ts'
import type { SigningCredentials } from '../../sigv4/types.ts'
import { StorageError } from '../../errors.ts'
import { usualTimeouts, type Timeouts } from './timeouts.ts'
import { detectProvider, presets, type Preset, type Provider } from './presets.ts'

/** Receives problems that no caller sees. A subset of pino's logger. */
export type DriverLog = { warn(facts: object, message: string): void }

export type S3DriverOptions = {
  bucket: string
  provider?: Provider | 'auto'
  /** null: the provider's default. */
  region?: string | null
  /** null: AWS. */
  endpoint?: string | null
  /** The endpoint in presigned URLs, if clients reach the store under another name. null: `endpoint`. */
  publicEndpoint?: string | null
  forcePathStyle?: boolean | 'auto'
  /** null: the AWS default chain (environment, profile, container and instance roles). */
  accessKeyId?: string | null
  secretAccessKey?: string | null
  sessionToken?: string | null
  /** Prefix of every key in the bucket, e.g. `app/`. */
  prefix?: string
  /** Base URL for anonymous reads of public objects: a CDN or a public bucket. */
  publicBaseUrl?: string | null
  /** Seconds for CompleteMultipartUpload, CopyObject and UploadPartCopy. */
  operationTimeout?: number
  /** For tests, which cannot wait for the real timeouts. */
  timeouts?: Partial<Timeouts>
  now: () => Date
  log?: DriverLog
}

export type S3Settings = {
  bucket: string
  provider: Provider
  preset: Preset
  region: string
  /** null if only the SDK can determine the host: access points and directory buckets. */
  endpoint: string | null
  publicEndpoint: string | null
  pathStyle: boolean
  /** null: the AWS default chain. */
  credentials: SigningCredentials | null
  prefix: string
  publicBaseUrl: string | null
  timeouts: Timeouts
  now: () => Date
  log: DriverLog
}

export function resolveSettings(o: S3DriverOptions): S3Settings {
  const endpoint = o.endpoint ?? null
  const provider = o.provider === undefined || o.provider === 'auto' ? detectProvider(endpoint) : o.provider
  const preset = presets[provider]
  const region = o.region ?? regionOf(preset, endpoint)
  const resolved = endpoint ?? (provider === 'aws' ? awsEndpoint(o.bucket, region) : undefined)
  if (resolved === undefined) {
    throw new StorageError('InvalidArgument', { message: `The provider ${provider} requires storage.s3.endpoint.` })
  }
  // A certificate for *.s3.… does not cover a bucket name with dots.
  const virtualHost = !preset.forcePathStyle && !o.bucket.includes('.')
  return {
    bucket: o.bucket,
    provider,
    preset,
    region,
    endpoint: resolved,
    publicEndpoint: resolved === null ? null : (o.publicEndpoint ?? resolved),
    pathStyle: o.forcePathStyle === undefined || o.forcePathStyle === 'auto' ? !virtualHost : o.forcePathStyle,
    credentials: staticCredentials(o),
    prefix: o.prefix ?? '',
    publicBaseUrl: o.publicBaseUrl ?? null,
    timeouts: {
      ...usualTimeouts,
      ...(o.operationTimeout === undefined ? {} : { operation: o.operationTimeout * 1000 }),
      ...o.timeouts,
    },
    now: o.now,
    log: o.log ?? { warn: () => {} },
  }
}

function regionOf(preset: Preset, endpoint: string | null): string {
  if (typeof preset.region === 'string') return preset.region
  return preset.region(endpoint === null ? '' : new URL(endpoint).hostname) ?? 'us-east-1'
}

/**
 * null for access points, object lambdas and S3 Express directory buckets. The SDK determines their hosts and sessions.
 */
function awsEndpoint(bucket: string, region: string): string | null {
  if (bucket.startsWith('arn:') || bucket.endsWith('--x-s3')) return null
  return `https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}

function staticCredentials(o: S3DriverOptions): SigningCredentials | null {
  const { accessKeyId = null, secretAccessKey = null, sessionToken = null } = o
  if (accessKeyId === null && secretAccessKey === null) return null
  if (accessKeyId === null || secretAccessKey === null) {
    throw new StorageError('InvalidArgument', {
      message: 'Set both storage.s3.accessKeyId and storage.s3.secretAccessKey, or neither.',
    })
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === null ? {} : { sessionToken }) }
}

/**
 * The origin that browsers upload to and read from, for a content security policy. null if only the SDK can determine
 * it.
 */
export function publicOrigin(o: S3DriverOptions): string | null {
  const { publicEndpoint, bucket, pathStyle } = resolveSettings(o)
  return publicEndpoint === null ? null : resolveTarget({ endpoint: publicEndpoint, bucket, pathStyle }).origin
}
