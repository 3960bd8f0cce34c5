/** Needs a real S3 store: S3_TEST_ENDPOINT and its keys. */
import { clientSuite } from './client-suite.ts'
import { onS3 } from './client-backends.ts'

clientSuite('on S3', onS3)
