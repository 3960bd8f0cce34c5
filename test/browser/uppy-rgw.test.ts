/** Needs a real S3 store: S3_TEST_ENDPOINT and its keys. */
import { onS3 } from './client-backends.ts'
import { uppySuite } from './uppy-suite.ts'

uppySuite('on S3', onS3)
