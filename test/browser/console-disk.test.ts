import { startGateway } from '../fixtures/gateway.ts'
import { consoleSuite } from './console-suite.ts'

consoleSuite('on disk', startGateway)
