import { failed, ok, reason, unknown } from '../check.ts'
import { askNonce, type Met } from './ask-nonce.ts'
import type { UrlCheck } from './url-subject.ts'

/** A nonce through the public URL of the API. */
export const apiUrl: UrlCheck = {
  name: 'api-url',
  needs: ['server'],
  async run({ apiUrl: url, ...who }) {
    if (url === null) return ok('server.publicUrl is auto: the address that is listened at.')
    let met: Met
    try {
      met = await askNonce(url, who)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // A machine behind NAT often cannot reach itself by its public name.
      if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH')
        return unknown(`${url} cannot be reached from here: ${reason(error)}.`, 'Ask it from outside: GET /healthz.')
      return failed(
        `${url} cannot be reached: ${reason(error)}.`,
        'Look at DNS, certificate and proxy; or correct server.publicUrl.',
      )
    }
    if (met.who !== 'us') {
      const what = met.who === 'another' ? 'another gateway' : `something else (${met.status})`
      return failed(
        `${url} leads to ${what}.`,
        'Let the proxy pass / on to server.listen, or correct server.publicUrl.',
      )
    }
    const { host } = new URL(url)
    if (met.host === host) return ok(`${url} leads here.`)
    return ok(
      `${url} leads here; a proxy rewrites Host: ${host} was sent, ${met.host} arrived. The API does without it.`,
    )
  },
}
