/** Needs a real S3 store: S3_TEST_ENDPOINT and its keys. */
import { onS3 } from './client-backends.ts'
import { reactSuite } from './react-suite.ts'

reactSuite('on S3', onS3)
