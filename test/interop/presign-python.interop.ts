import { join } from 'node:path'
import { signingSuite, type SignedTask, type Signer } from './presigning.ts'

const script = join(import.meta.dirname, 'presign_python.py')

const signedBy =
  (library: string): Signer =>
  async (harness, tasks) => {
    const { stdout } = await harness.run('python', [script, library], { input: harness.spec({ tasks }) })
    return JSON.parse(stdout) as SignedTask[]
  }

signingSuite('boto3', signedBy('boto3'))
signingSuite('boto3 by default, with version 2', signedBy('boto3-default'))
signingSuite('minio-py', signedBy('minio'), { describe: false })
