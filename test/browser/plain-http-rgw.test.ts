/** Needs a real S3 store: S3_TEST_ENDPOINT and its keys. */
import { onS3 } from './client-backends.ts'
import { plainHttpSuite } from './plain-http.ts'

plainHttpSuite('on S3', onS3)
