import { failed, ok, unknown, type Check } from '../check.ts'
import { scopeOfHost } from '../host-scope.ts'
import type { StoreProbe } from './store-probe.ts'

const scopeOfOrigin = (origin: string) => scopeOfHost(new URL(origin).hostname)

/** Whether browsers can reach what URLs name: a container's name or a private address works here and nowhere else. */
export const publicEndpoint: Check<StoreProbe> = {
  name: 'public-endpoint',
  async run({ target }) {
    const { url, setting } = target.named
    const { hostname } = new URL(url)
    const scope = scopeOfHost(hostname)
    const page = target.origins
      .map((origin) => ({ origin, scope: scopeOfOrigin(origin) }))
      .find((one) => one.scope === 'public')
    if (scope === 'public') {
      const mixed = url.startsWith('http:') && page?.origin.startsWith('https:')
      if (!page || !mixed) return ok(`URLs name ${hostname}.`)
      return failed(
        `URLs begin with http:// and the page ${page.origin} with https://: browsers block them.`,
        `Write https:// in ${setting}.`,
      )
    }
    const fix = `Set ${setting} to the store's address as browsers know it; it may differ from the one that this server uses.`
    if (scope === 'internal')
      return failed(`URLs name ${hostname}, which only machines of its own network can resolve.`, fix)
    if (page) return failed(`URLs name ${hostname}, which a browser at ${page.origin} cannot reach.`, fix)
    const who = scope === 'loopback' ? 'this machine' : 'a private network'
    const arePagesHere = target.origins.length > 0 && target.origins.every((one) => scopeOfOrigin(one) === 'loopback')
    return scope === 'loopback' && (target.isOwnEndpoint || arePagesHere)
      ? ok(`URLs name ${hostname}: they work on ${who}.`)
      : unknown(`URLs name ${hostname}, which only ${who} reaches. Say from where pages ask: --origin URL.`)
  },
}
