import { failed, ok, unknown } from '../check.ts'
import { askNonce } from './ask-nonce.ts'
import type { UrlCheck } from './url-subject.ts'

/** Whether the server that this configuration describes is running on this machine. */
export const server: UrlCheck = {
  name: 'server',
  async run({ listenUrl, ...who }) {
    const met = await askNonce(listenUrl, who).catch(() => null)
    if (met === null) {
      return unknown(
        `The server does not run at ${listenUrl}: what its public URLs lead to cannot be checked.`,
        'Start it (postern serve) and run this again.',
      )
    }
    if (met.who === 'us') return ok(`The server runs at ${listenUrl}.`)
    const what = met.who === 'another' ? 'A gateway with other secrets' : 'Another program'
    return failed(
      `${what} answers at ${listenUrl}.`,
      'Stop it, or choose another port in server.listen; for a gateway, use its configuration (--config, --storage).',
    )
  },
}
