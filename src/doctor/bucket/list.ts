import { failed, ok, type Check } from '../check.ts'
import { fixFor } from './put.ts'
import { said, type StoreProbe } from './store-probe.ts'

export const list: Check<StoreProbe> = {
  name: 'list',
  needs: ['credentials', 'bucket', 'region'],
  async run(probe) {
    const query = { 'list-type': '2', prefix: probe.folder }
    const answer = await probe.request({ method: 'GET', query })
    if (answer.status === 200 && answer.text.includes('<ListBucketResult')) return ok('Keys are listed.')
    if (answer.status === 200)
      return failed(
        'The answer to a listing is no listing.',
        'Is this an S3 endpoint? Correct storage.s3.endpoint, and storage.s3.forcePathStyle.',
      )
    return failed(`Listing is answered ${said(answer)}.`, fixFor(answer, 's3:ListBucket', 'list'))
  },
}
