import { runGo } from './go-program.ts'
import { signingSuite } from './presigning.ts'

signingSuite('the AWS SDK for Go', (rig, tasks) => runGo(rig, 'presign-aws', { tasks }))
// It writes keys into its policy unescaped: what it makes of one with a quote is no JSON.
signingSuite('minio-go', (rig, tasks) => runGo(rig, 'presign-minio', { tasks }), {
  post: (key) => !key.includes('"'),
  describe: false,
})
