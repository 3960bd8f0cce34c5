import { startGateway } from '../fixtures/gateway.ts'
import { snippetsSuite } from './snippets-suite.ts'

snippetsSuite('on disk', startGateway)
