import { clientSuite } from './client-suite.ts'
import { onDisk } from './client-backends.ts'

clientSuite('on disk', onDisk)
