/**
 * `npm run test:interop`: foreign S3 clients against the objects endpoint. What a machine lacks is said aloud and, in
 * CI, is a failure; `test/interop/install.sh` installs it. Arguments are handed to vitest.
 */
import { missingSuites } from '../test/interop/tools.ts'
import { runNeedy } from './run-suite.ts'

runNeedy({ name: 'interop', missing: await missingSuites() })
