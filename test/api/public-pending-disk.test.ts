import { startGateway } from '../fixtures/gateway.ts'
import { publicPendingSuite } from './public-pending-suite.ts'

publicPendingSuite('on disk', startGateway)
