import { failed, ok, type Check } from '../check.ts'
import { said, type Answer, type StoreProbe } from './store-probe.ts'

export const probeBody = Buffer.from('postern doctor: this object may be removed\n')

export const put: Check<StoreProbe> = {
  name: 'put',
  needs: ['credentials', 'bucket', 'region'],
  async run(probe) {
    const headers = { 'content-type': 'text/plain' }
    const answer = await probe.request({ method: 'PUT', key: probe.key('object'), headers, body: probeBody })
    if (answer.status === 200) return ok('An object can be written.')
    return failed(`Writing an object is answered ${said(answer)}.`, fixFor(answer, 's3:PutObject', 'write'))
  },
}

/** For any operation that a policy can forbid. */
export function fixFor(answer: Answer, action: string, verb: string): string {
  if (answer.status === 403) {
    return `Let the key ${verb}: allow ${action} on the bucket and on bucket/* in its policy (read-only keys cannot), and look for a bucket policy that denies it.`
  }
  if (answer.code === 'NoSuchBucket') return 'Make the bucket, or correct storage.bucket.'
  if (answer.status === 507 || answer.code === 'InsufficientStorage' || answer.code === 'QuotaExceeded') {
    return 'The store is full: make room, or raise its quota.'
  }
  if (answer.status >= 500) return 'The store fails: look into its log.'
  return `The store says: ${answer.message ?? 'nothing more'}.`
}
