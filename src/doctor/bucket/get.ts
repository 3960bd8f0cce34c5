import { failed, ok, type Check } from '../check.ts'
import { fixFor, probeBody } from './put.ts'
import { said, type StoreProbe } from './store-probe.ts'

export const get: Check<StoreProbe> = {
  name: 'get',
  needs: ['put'],
  async run(probe) {
    const answer = await probe.request({ method: 'GET', key: probe.key('object') })
    if (answer.status !== 200)
      return failed(`Reading it is answered ${said(answer)}.`, fixFor(answer, 's3:GetObject', 'read'))
    if (answer.body.equals(probeBody)) return ok('What was written is read back.')
    return failed(
      'Other bytes are read than were written.',
      'Something between here and the store changes bodies: look for a proxy that rewrites or compresses.',
    )
  },
}
