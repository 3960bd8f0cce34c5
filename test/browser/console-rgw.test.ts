/** Needs a real S3 store: S3_TEST_ENDPOINT and its keys. */
import { consoleSuite } from './console-suite.ts'
import { startGatewayOnS3 } from './gateway-on-s3.ts'

consoleSuite('on S3', startGatewayOnS3)
