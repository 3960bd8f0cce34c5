/** The settings of development mode: `postern dev`, `postern exec` and `startPostern` of `postern/testing`. */
import type { AcceptedKey } from './live-keys.ts'
import type { GivenValue } from './given-value.ts'

/** The user of requests without credentials, and the owner of the fixed S3 keys. */
export const devUser = 'dev'

/** Fixed, so that projects can put it in their settings. `s3/development.ts` limits who may use it. */
export const devAccessKey: AcceptedKey = {
  accessKeyId: 'postern',
  secretAccessKey: 'postern-secret',
  owner: devUser,
  wellKnown: true,
}

const settings = {
  'log.format': 'pretty',
  'uploads.allowedTypes': ['*/*'],
  'uploads.maxSize': '5TiB',
  'limits.issuePerMinute': 1_000_000,
  'limits.pendingUploads': 1_000_000,
}

/** They override config/default.yaml. Everything that a user sets overrides them. */
export const devSettings: readonly GivenValue[] = Object.entries(settings).map(([key, value]) => ({
  key,
  value,
  text: false,
  source: { from: 'default' },
}))
