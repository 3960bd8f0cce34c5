/** What development mode changes: `postern dev`, `postern exec` and `startPostern` of `postern/testing`. */
import type { AcceptedKey } from './live-keys.ts'
import type { GivenValue } from './given-value.ts'

/** The user that requests without credentials are, and the owner of the fixed S3 keys. */
export const devUser = 'dev'

/** Fixed, so that they can be written into a project's own settings. `s3/development.ts` limits who may use them. */
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

/** They rank above config/default.yaml and below everything that a user sets. */
export const devSettings: readonly GivenValue[] = Object.entries(settings).map(([key, value]) => ({
  key,
  value,
  text: false,
  source: { from: 'default' },
}))
