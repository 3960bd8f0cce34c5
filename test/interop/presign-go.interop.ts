import { runGo } from './go-program.ts'
import { signingSuite } from './presigning.ts'

signingSuite('the AWS SDK for Go', (rig, tasks) => runGo(rig, 'presign-aws', { tasks }))
signingSuite('minio-go', (rig, tasks) => runGo(rig, 'presign-minio', { tasks }))
