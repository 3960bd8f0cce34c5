/** Needs a real S3 store: S3_TEST_ENDPOINT and its keys. */
import { startGatewayOnS3 } from './gateway-on-s3.ts'
import { snippetsSuite } from './snippets-suite.ts'

snippetsSuite('on S3', startGatewayOnS3)
