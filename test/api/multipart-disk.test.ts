import { startGateway } from '../fixtures/gateway.ts'
import { multipartSuite } from './multipart-suite.ts'

multipartSuite('on disk', startGateway, 'proxied')
