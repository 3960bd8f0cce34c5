import { failed, ok, unknown, type Check } from '../check.ts'
import { said, type StoreProbe } from './store-probe.ts'

export const exists: Check<StoreProbe> = {
  name: 'bucket',
  needs: ['credentials'],
  async run(probe) {
    const { bucket } = probe.target
    const answer = await probe.first()
    if (answer.code === 'NoSuchBucket') {
      return failed(`There is no bucket ${bucket}.`, `Make it (aws s3 mb s3://${bucket}), or correct storage.bucket.`)
    }
    if (answer.code === 'AllAccessDisabled')
      return failed(`The bucket ${bucket} is switched off.`, 'Ask the owner of the account.')
    if (answer.status < 300) return ok(`The bucket ${bucket} is there.`)
    // Without the right to list, forbidden and absent look alike until a write says more.
    if (answer.status === 403) return ok(`The bucket ${bucket} may be there: it is not to be listed (${said(answer)}).`)
    return unknown(`The bucket ${bucket} cannot be looked at (${said(answer)}).`)
  },
}
