import { startGateway } from '../fixtures/gateway.ts'
import { companionSuite } from './companion-suite.ts'

companionSuite('on disk', startGateway)
