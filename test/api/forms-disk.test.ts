import { startGateway } from '../fixtures/gateway.ts'
import { formsSuite } from './forms-suite.ts'

formsSuite('on disk', startGateway)
