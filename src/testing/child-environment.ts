/** The environment that makes an application under test use this gateway instead of a cloud. */

export type ChildTarget = {
  apiUrl: string
  objectsUrl: string
  region: string
  accessKeyId: string
  secretAccessKey: string
  /** The first one becomes AWS_S3_BUCKET and S3_BUCKET. */
  buckets: readonly string[]
  testToken: string
  /** The secret of HS256 tokens, for an application that signs its own. */
  authSecret: string
  /** An empty file, so that no profile of the user is read. */
  emptyFile: string
  seed?: number
}

/**
 * The variables to set. The endpoint must name an IP address, for which SDKs choose path style. Only `AWS_ENDPOINT_URL_S3`
 * is set, because `AWS_ENDPOINT_URL` would redirect other AWS services too.
 */
export function childVariables(target: ChildTarget): Record<string, string> {
  const [bucket] = target.buckets
  return {
    AWS_ENDPOINT_URL_S3: target.objectsUrl,
    AWS_ACCESS_KEY_ID: target.accessKeyId,
    AWS_SECRET_ACCESS_KEY: target.secretAccessKey,
    AWS_REGION: target.region,
    AWS_DEFAULT_REGION: target.region,
    AWS_CONFIG_FILE: target.emptyFile,
    AWS_SHARED_CREDENTIALS_FILE: target.emptyFile,
    AWS_EC2_METADATA_DISABLED: 'true',
    ...(bucket === undefined ? {} : { AWS_S3_BUCKET: bucket, S3_BUCKET: bucket }),
    S3_ENDPOINT: target.objectsUrl,
    S3_REGION: target.region,
    S3_ACCESS_KEY: target.accessKeyId,
    S3_SECRET_KEY: target.secretAccessKey,
    // object_store (Rust), which obstore and delta-rs use too.
    AWS_ALLOW_HTTP: 'true',
    POSTERN_URL: target.apiUrl,
    POSTERN_TEST_URL: target.apiUrl,
    POSTERN_TEST_TOKEN: target.testToken,
    POSTERN_TEST_AUTH_SECRET: target.authSecret,
    ...(target.seed === undefined ? {} : { POSTERN_TEST_SEED: String(target.seed) }),
  }
}

/** Variables that could let a test use production, or that disable the endpoint. */
const removed = new Set([
  'AWS_PROFILE',
  'AWS_DEFAULT_PROFILE',
  'AWS_SESSION_TOKEN',
  'AWS_SECURITY_TOKEN',
  'AWS_ENDPOINT_URL',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  'AWS_ROLE_ARN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
  'AWS_S3_USE_ARN_REGION',
])

/** The parent's environment without the variables of `removed`, and with those of the gateway. */
export function childEnvironment(
  parent: Readonly<Record<string, string | undefined>>,
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  const kept = Object.entries(parent).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !removed.has(entry[0]),
  )
  return { ...withLoopbackUnproxied(Object.fromEntries(kept)), ...variables }
}

/** Requests to loopback must not use the user's proxy. */
function withLoopbackUnproxied(env: Record<string, string>): Record<string, string> {
  const own = ['127.0.0.1', 'localhost', '::1']
  const add = (list: string | undefined): string =>
    [...new Set([...(list ?? '').split(','), ...own])].filter(Boolean).join(',')
  return { ...env, NO_PROXY: add(env['NO_PROXY']), no_proxy: add(env['no_proxy'] ?? env['NO_PROXY']) }
}
