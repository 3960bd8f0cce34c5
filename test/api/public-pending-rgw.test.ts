import { onS3 } from './on-s3.ts'
import { publicPendingSuite } from './public-pending-suite.ts'

onS3(publicPendingSuite)
