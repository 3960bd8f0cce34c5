import { integritySuite } from './integrity-suite.ts'
import { onS3 } from './on-s3.ts'

onS3(integritySuite)
