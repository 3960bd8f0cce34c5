import { failed, ok, unknown, type Check } from '../check.ts'
import { isAboutRegion } from './credentials.ts'
import { said, type StoreProbe } from './store-probe.ts'

export const region: Check<StoreProbe> = {
  name: 'region',
  needs: ['reach'],
  async run(probe) {
    const { region: ours, settings } = probe.target
    const answer = await probe.first()
    const told =
      [answer.headers['x-amz-bucket-region']].flat()[0] ??
      /<Region>([^<]+)<\/Region>/.exec(answer.text)?.[1] ??
      /expecting '([^']+)'/.exec(answer.message ?? '')?.[1]
    const key = settings.region
    if (isAboutRegion(answer.code) || (told !== undefined && told !== ours && answer.status >= 300)) {
      const where = told === undefined ? 'another region' : `the region ${told}`
      const fix =
        told === undefined
          ? `Set ${key} and ${settings.endpoint} to those of the bucket.`
          : `Set ${key}: ${told}, and an endpoint of that region.`
      return failed(`The bucket is in ${where}; requests are signed for ${ours} (${said(answer)}).`, fix)
    }
    if (answer.status < 300) return ok(`Signatures for ${ours} are taken.`)
    return answer.status === 403 || answer.status === 404
      ? ok(`The store has nothing against the region ${ours}.`)
      : unknown(`It cannot be told (${said(answer)}).`)
  },
}
