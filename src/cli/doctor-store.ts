/** Which store `postern doctor` looks at, and with what. */
import type { Config } from '../config/config.ts'
import type { Secrets } from '../config/secrets.ts'
import type { StoreTarget } from '../doctor/bucket/store-probe.ts'
import { createConnection } from '../drivers/s3/connection.ts'
import { resolveSettings } from '../drivers/s3/settings.ts'
import { CliError } from './cli-error.ts'

export type Endpoints = Pick<StoreTarget, 'endpoint' | 'publicEndpoint' | 'named'>
type Asked = Pick<StoreTarget, 'origins' | 'now'>

/** Our own endpoint, whatever store is behind it. */
export function diskTarget(config: Config, { signing }: Secrets, at: Endpoints, asked: Asked): StoreTarget {
  return {
    kind: 'disk',
    ...at,
    ...asked,
    bucket: config.storage.bucket,
    region: config.objects.region,
    pathStyle: true,
    prefix: '',
    credentials: { accessKeyId: signing.accessKeyId, secretAccessKey: signing.secretAccessKey },
    expiration: null,
    provider: 'postern',
    signsLength: true,
    longestUrl: longestUrl(config),
  }
}

/** The bucket of the s3 driver. Errors: those of the credentials' source; CliError where only the SDK knows the host. */
export async function bucketTarget(config: Config, asked: Asked): Promise<StoreTarget> {
  const { bucket, s3, delivery } = config.storage
  const settings = resolveSettings({ ...s3, bucket, now: asked.now })
  const { endpoint, publicEndpoint, region, pathStyle, prefix, provider } = settings
  if (endpoint === null || publicEndpoint === null) {
    throw new CliError(`The bucket ${bucket} is an access point or directory bucket, which is not checked here.`, 1)
  }
  const connection = createConnection(settings)
  try {
    const { expiration = null, ...credentials } = await connection.credentials()
    const { accessKeyId, secretAccessKey, sessionToken } = credentials
    return {
      kind: 's3',
      endpoint,
      publicEndpoint,
      named: { url: publicEndpoint, setting: 'storage.s3.publicEndpoint' },
      bucket,
      region,
      pathStyle,
      prefix,
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
      expiration,
      provider,
      signsLength: settings.preset.capabilities.includes('signed-length'),
      longestUrl: delivery === 'proxied' ? null : longestUrl(config),
      ...asked,
    }
  } finally {
    connection.close()
  }
}

const longestUrl = ({ uploads, downloads }: Config): number => Math.max(uploads.expiresIn, downloads.expiresIn)
