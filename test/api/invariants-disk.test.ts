import { startGateway } from '../fixtures/gateway.ts'
import { invariantsSuite } from './invariants.ts'

invariantsSuite('on disk', startGateway)
