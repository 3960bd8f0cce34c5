import { onOwnEndpoint } from './client-backends.ts'
import { uppySuite } from './uppy-suite.ts'

uppySuite('on S3 that is our own endpoint', onOwnEndpoint)
