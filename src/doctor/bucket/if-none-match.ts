import { failed, ok, type Check } from '../check.ts'
import { probeBody } from './put.ts'
import { said, type StoreProbe } from './store-probe.ts'

export const ifNoneMatch: Check<StoreProbe> = {
  name: 'if-none-match',
  needs: ['presign'],
  async run(probe) {
    const key = probe.key('presigned')
    const put = probe.presign({ method: 'PUT', key, headers: { 'if-none-match': '*' } })
    const answer = await probe.fetch(put.url, { method: 'PUT', headers: put.headers, body: probeBody })
    if (answer.status === 412) return ok('If-None-Match keeps an object from being replaced.')
    if (answer.status === 501 && probe.target.isOwnEndpoint)
      return ok('The bucket behind has no If-None-Match, and the endpoint says so: files are frozen by a copy.')
    return failed(
      `A PUT with If-None-Match: * over an object is answered ${said(answer)} instead of 412.`,
      'Set storage.s3.provider to what the store is (other), so that files are frozen by a copy at confirm instead.',
    )
  },
}
