/** The invariants with a real S3 store, configured by S3_TEST_ENDPOINT and its keys. */
import { invariantsSuite } from './invariants.ts'
import { onS3 } from './on-s3.ts'

onS3(invariantsSuite)
