import { companionSuite } from './companion-suite.ts'
import { onS3 } from './on-s3.ts'

onS3(companionSuite)
