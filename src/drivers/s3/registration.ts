/** Stores objects in a bucket of AWS S3 or of an S3-compatible store. */
import { z } from 'zod'
import { duration } from '../../config/values.ts'
import { StorageError } from '../../errors.ts'
import type { DriverRegistration } from '../registration.ts'
import { presets, providers } from './presets.ts'

const url = z.url({ protocol: /^https?$/, error: 'expects a URL such as https://files.example.com' }).nullable()
const text = z.string().min(1).nullable()

const configSchema = z.strictObject({
  provider: z.enum(['auto', ...providers]),
  region: text,
  endpoint: url,
  publicEndpoint: url,
  forcePathStyle: z.union([z.literal('auto'), z.boolean()]),
  accessKeyId: text,
  secretAccessKey: text,
  /** AWS_SESSION_TOKEN, for temporary credentials from environment variables. */
  sessionToken: text,
  /** Put before every key in the bucket, e.g. `app/`. */
  prefix: z.string(),
  operationTimeout: duration,
})

export const s3 = {
  name: 's3' as const,
  configSchema,
  secretSettings: ['secretAccessKey', 'sessionToken'],
  variables: [
    { key: 'storage.bucket', names: ['AWS_S3_BUCKET', 'S3_BUCKET'] },
    { key: 'storage.s3.endpoint', names: ['S3_ENDPOINT', 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'] },
    { key: 'storage.s3.region', names: ['S3_REGION', 'AWS_REGION', 'AWS_DEFAULT_REGION'] },
    { key: 'storage.s3.accessKeyId', names: ['S3_ACCESS_KEY', 'AWS_ACCESS_KEY_ID'] },
    { key: 'storage.s3.secretAccessKey', names: ['S3_SECRET_KEY', 'AWS_SECRET_ACCESS_KEY'] },
    // A session token is valid only with the credentials that came with it.
    {
      key: 'storage.s3.sessionToken',
      names: ['AWS_SESSION_TOKEN'],
      onlyWith: { key: 'storage.s3.accessKeyId', name: 'AWS_ACCESS_KEY_ID' },
    },
  ],
  hasOwnUrls: true,
  example: 'storage: { s3: { endpoint: "https://…", region: "…", accessKeyId: "…", secretAccessKey: "…" } }',
  presets,
  check({ accessKeyId, secretAccessKey, prefix }) {
    const found = []
    if ((accessKeyId === null) !== (secretAccessKey === null)) {
      const [key, given] =
        accessKeyId === null ? ['accessKeyId', 'secretAccessKey'] : ['secretAccessKey', 'accessKeyId']
      const message = `is missing, but storage.s3.${given} is set. Set both, or neither to use the AWS default chain.`
      found.push({ key: key!, message })
    }
    if (/^\/|\/\/|(^|\/)\.{1,2}(\/|$)/.test(prefix)) {
      found.push({ key: 'prefix', message: 'expects a prefix such as app/ without "." or empty segments.' })
    }
    return found
  },
  isConfigured: ({ region, endpoint, accessKeyId }) => region !== null || endpoint !== null || accessKeyId !== null,
  identify: ({ endpoint, prefix }, bucket) => ['s3', endpoint ?? 'aws', bucket, prefix].join(' '),
  publicUrl: ({ publicEndpoint, endpoint }, bucket) =>
    publicEndpoint ?? endpoint ?? `https://${bucket}.s3.amazonaws.com`,
  accessKey: ({ accessKeyId, secretAccessKey }) =>
    accessKeyId === null || secretAccessKey === null ? null : { accessKeyId, secretAccessKey },
  async describe({ provider, region, endpoint, publicEndpoint }, { bucket, delivery }) {
    const reached = publicEndpoint ?? endpoint
    return {
      // `endpoint` is `host[:port]`, or null for AWS.
      status: { driver: 's3', delivery, bucket, provider, region, endpoint: reached && new URL(reached).host },
      place: { driver: 's3', bucket, endpoint, region },
      line: `s3: bucket ${bucket} at ${endpoint ?? 'AWS'}${region === null ? '' : `, ${region}`}`,
    }
  },
  async open(settings, o) {
    const { createS3Driver } = await import('./s3-driver.ts')
    const { bucket, publicBaseUrl, log } = o
    return createS3Driver({ ...settings, bucket, publicBaseUrl, now: o.endpoint.now, log })
  },
  async doctorChecks(given, { bucket, now }) {
    const [{ createConnection }, { resolveSettings }] = await Promise.all([
      import('./connection.ts'),
      import('./settings.ts'),
    ])
    const settings = resolveSettings({ ...given, bucket, now })
    const { endpoint, publicEndpoint, region, pathStyle, prefix, provider } = settings
    if (endpoint === null || publicEndpoint === null) {
      throw new StorageError('NotSupported', {
        message: `The bucket ${bucket} is an access point or directory bucket, which postern doctor cannot check.`,
      })
    }
    const connection = createConnection(settings)
    try {
      const { expiration = null, ...credentials } = await connection.credentials()
      const { accessKeyId, secretAccessKey, sessionToken } = credentials
      return {
        endpoint,
        publicEndpoint,
        region,
        pathStyle,
        prefix,
        credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
        expiration,
        provider,
        signsLength: settings.preset.capabilities.includes('signed-length'),
      }
    } finally {
      connection.close()
    }
  },
} satisfies DriverRegistration<typeof configSchema>
