import { failed, ok, type Check } from '../check.ts'
import { fixFor } from './put.ts'
import { said, type StoreProbe } from './store-probe.ts'

export const remove: Check<StoreProbe> = {
  name: 'delete',
  needs: ['put'],
  async run(probe) {
    const key = probe.key('object')
    const answer = await probe.request({ method: 'DELETE', key })
    if (answer.status >= 300) {
      return failed(
        `Deleting is answered ${said(answer)}: what expires stays and costs.`,
        fixFor(answer, 's3:DeleteObject', 'delete'),
      )
    }
    const after = await probe.request({ method: 'HEAD', key })
    if (after.status === 404) return ok('Objects can be deleted.')
    return failed(
      `A deleted object is still answered ${after.status}.`,
      'Look for an object lock or a cache in front of the store.',
    )
  },
}
