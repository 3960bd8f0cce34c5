import { spanInWords } from '../../explain/span.ts'
import { failed, ok, unknown, type Check } from '../check.ts'
import type { StoreProbe } from './store-probe.ts'

/** Temporary credentials end, and every URL that they signed ends with them; where we sign the URLs, the server's own access does. */
export const session: Check<StoreProbe> = {
  name: 'session',
  async run({ target }) {
    const { credentials, expiration, longestUrl, now } = target
    if (credentials.sessionToken === undefined) return ok('The credentials have no end.')
    if (expiration === null) {
      const what =
        longestUrl === null ? 'the bucket cannot be read from then on' : 'URLs may stop working before their time'
      return unknown(
        `The credentials are temporary and do not say when they end: ${what}.`,
        'Give the server a role (instance, container, web identity), which is renewed, instead of a fixed AWS_SESSION_TOKEN.',
      )
    }
    const left = (expiration.getTime() - now().getTime()) / 1000
    if (left <= 0)
      return failed(`The credentials ended ${spanInWords(-left)} ago.`, 'Take fresh ones and restart the server.')
    if (longestUrl === null) return ok(`The credentials last ${spanInWords(left)}; no URL is signed with them.`)
    if (left >= longestUrl) return ok(`The credentials last ${spanInWords(left)}, longer than any URL.`)
    return failed(
      `The credentials end in ${spanInWords(left)}; URLs are to live ${spanInWords(longestUrl)} and end with them.`,
      'Shorten uploads.expiresIn and downloads.expiresIn, or use credentials that last longer.',
    )
  },
}
