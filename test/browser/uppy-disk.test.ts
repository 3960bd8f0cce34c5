import { onDisk } from './client-backends.ts'
import { uppySuite } from './uppy-suite.ts'

uppySuite('on disk', onDisk)
