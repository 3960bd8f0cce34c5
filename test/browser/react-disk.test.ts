import { onDisk } from './client-backends.ts'
import { reactSuite } from './react-suite.ts'

reactSuite('on disk', onDisk)
