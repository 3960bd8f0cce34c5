import { createHash } from 'node:crypto'
import { failed, ok, type Check } from '../check.ts'
import { probeBody } from './put.ts'
import { said, type StoreProbe } from './store-probe.ts'

/** Other bytes than the signed checksum says. */
export const checksum: Check<StoreProbe> = {
  name: 'checksum',
  needs: ['presign'],
  async run(probe) {
    const key = probe.key('checksum')
    const value = createHash('sha256').update('other bytes').digest('base64')
    const put = probe.presign({ method: 'PUT', key, headers: { 'x-amz-checksum-sha256': value } })
    const wrong = await probe.fetch(put.url, { method: 'PUT', headers: put.headers, body: probeBody })
    if (wrong.status >= 400 && wrong.status < 500)
      return ok(`A body that is not the one signed is refused (${said(wrong)}).`)
    return failed(
      `The store takes a body that does not match its signed checksum (${said(wrong)}).`,
      'Set storage.s3.provider to what the store is (ceph, or other), so that checksums are verified at confirm instead; or use a store or version that verifies x-amz-checksum-*.',
    )
  },
}
