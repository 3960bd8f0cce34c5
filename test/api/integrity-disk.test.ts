import { startGateway } from '../fixtures/gateway.ts'
import { integritySuite } from './integrity-suite.ts'

integritySuite('on disk', startGateway)
