import { runGo } from './go-program.ts'
import { signingSuite } from './presigning.ts'

signingSuite('the AWS SDK for Go', (harness, tasks) => runGo(harness, 'presign-aws', { tasks }))
// It writes keys into its policy unescaped: what it makes of one with a quote is no JSON.
signingSuite('minio-go', (harness, tasks) => runGo(harness, 'presign-minio', { tasks }), {
  post: (key) => !key.includes('"'),
  describe: false,
})
