import { failed, ok, type Check } from '../check.ts'
import { probeBody } from './put.ts'
import { said, type StoreProbe } from './store-probe.ts'

/** Players and resumed downloads ask for parts. */
export const range: Check<StoreProbe> = {
  name: 'range',
  needs: ['get'],
  async run(probe) {
    const headers = { range: 'bytes=2-5' }
    const answer = await probe.request({ method: 'GET', key: probe.key('object'), headers })
    if (answer.status === 206 && answer.body.equals(probeBody.subarray(2, 6))) return ok('Ranges are served.')
    const proxy = 'A proxy or CDN between drops Range: let it pass the header on. Seeking in video needs it.'
    return failed(`A range is answered ${said(answer)} with ${answer.body.length} bytes instead of 206 with 4.`, proxy)
  },
}
