/**
 * `npm run test:packaging`: reverse proxies, systemd and the image. What a machine lacks is said aloud and, in CI, is a
 * failure; `test/packaging/install.sh` installs it. Arguments are handed to vitest.
 */
import { missingSuites } from '../test/packaging/tools.ts'
import { runNeedy } from './run-suite.ts'

runNeedy({ name: 'packaging', missing: missingSuites() })
