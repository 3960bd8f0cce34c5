import { onDisk } from './client-backends.ts'
import { plainHttpSuite } from './plain-http.ts'

plainHttpSuite('on disk', onDisk)
