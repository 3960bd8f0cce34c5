import { failed, ok, reason, type Check } from '../check.ts'
import type { StoreProbe } from './store-probe.ts'

/** Whether anything answers at the endpoint, whatever it says. */
export const reach: Check<StoreProbe> = {
  name: 'reach',
  async run({ target, fetch }) {
    try {
      await fetch(target.endpoint, { method: 'GET' })
      return ok(`${target.endpoint} answers.`)
    } catch (error) {
      return failed(`${target.endpoint} does not answer: ${reason(error)}.`, fixFor(error, target.settings.endpoint))
    }
  },
}

function fixFor(error: unknown, key: string): string {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `Nobody knows this host name: correct ${key}, or the DNS of this machine.`
  if (code === 'ECONNREFUSED') return `Nothing listens there: start the store, or correct the port in ${key}.`
  if (/CERT|SELF_SIGNED|TLS|SSL/.test(code))
    return `Its certificate is not trusted: give NODE_EXTRA_CA_CERTS the CA's file, or correct the host in ${key}.`
  if (code === 'EPROTO') return `It speaks no TLS there: write http:// in ${key}.`
  return `Look at ${key}, at the network and at the firewall between.`
}
