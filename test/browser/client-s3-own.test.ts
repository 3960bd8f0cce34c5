import { onOwnEndpoint } from './client-backends.ts'
import { clientSuite } from './client-suite.ts'

clientSuite('on S3 that is our own endpoint', onOwnEndpoint)
