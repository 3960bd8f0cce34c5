import { spanInWords } from '../../explain/span.ts'
import { failed, ok, unknown, type Check } from '../check.ts'
import type { StoreProbe } from './store-probe.ts'

/** Seconds. Stores refuse from 900 on; a clock that is off by minutes is on its way there. */
const tolerated = 120

/** By the Date header, whose grain is a second. What follows is dated by the store's clock, so that it can be checked. */
export const clock: Check<StoreProbe> = {
  name: 'clock',
  needs: ['reach'],
  async run(probe) {
    const before = probe.target.now().getTime()
    const { headers } = await probe.fetch(probe.target.endpoint, { method: 'GET' })
    const middle = (before + probe.target.now().getTime()) / 2
    // Whole seconds, cut: half of one is what is missing on average.
    const store = Date.parse(headers.date ?? '') + 500
    if (Number.isNaN(store)) return unknown('The store tells no time: its answer has no Date.')
    const ahead = Math.round((store - middle) / 1000)
    if (Math.abs(ahead) <= tolerated) return ok(`The clocks agree to ${Math.max(1, Math.abs(ahead))} s.`)
    probe.setClock(ahead)
    return failed(
      `This machine's clock is ${spanInWords(Math.abs(ahead))} ${ahead > 0 ? 'behind' : 'ahead of'} the store's; from 15 min on every signature is refused.`,
      'Set the clock by NTP (timedatectl set-ntp true; on a virtual machine, its host too).',
    )
  },
}
