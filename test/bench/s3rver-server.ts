import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'

type S3rver = new (o: object) => { run(): Promise<{ port: number }> }
const S3rver = createRequire(import.meta.url)('s3rver') as S3rver
const directory = process.argv[2]!
mkdirSync(directory, { recursive: true })
const { port } = await new S3rver({
  address: '127.0.0.1',
  port: 0,
  silent: true,
  directory,
  allowMismatchedSignatures: true,
  configureBuckets: [{ name: 'postern', configs: [] }],
}).run()
console.log(`http://127.0.0.1:${port}`)
process.once('SIGTERM', () => process.exit(0))
