import { change, inText, withHeader, type Change } from './change.ts'
import type { Original } from './original.ts'
import type { Claims } from './read-claims.ts'

/** Other names of the endpoint, as changed by a proxy, a port or another notation of loopback. */
export function plausibleHosts(sent: Original, { headers }: Claims, hosts: readonly string[]): Change[] {
  const host = sent.headers.find(([name]) => name === 'host')?.[1]
  if (host === undefined || host === null) return []
  const bare = host.replace(/:\d+$/, '')
  const port = host.slice(bare.length)
  const forwarded = [headers.get('x-forwarded-host'), /host="?([^";,]+)/i.exec(headers.get('forwarded') ?? '')?.[1]]
  const loopback = ['localhost', '127.0.0.1', '[::1]']
  const others = [
    ...hosts,
    ...forwarded.flatMap((value = '') => (value === '' ? [] : [value, value.replace(/:\d+$/, '')])),
    host.toLowerCase(),
    bare,
    `${bare}:80`,
    `${bare}:443`,
    ...hosts.map((value) => value.replace(/:\d+$/, '') + port),
    ...(loopback.includes(bare) ? loopback.map((name) => name + port) : []),
  ]
  return [...new Set(others)].filter((other) => other !== host).map((other) => hostChange(other, host))
}

function hostChange(signed: string, sent: string): Change {
  const portOnly = signed.replace(/:\d+$/, '') === sent.replace(/:\d+$/, '')
  const advice = portOnly
    ? 'A proxy or a client changed the port in Host. Sign for the port that is sent, or configure the proxy to forward Host unchanged.'
    : 'Send the request to the signed host. Behind a proxy, forward Host (nginx: "proxy_set_header Host $http_host;"), or set objects.publicUrl to the name that arrives.'
  return change(
    'HostChanged',
    { name: 'host', signed: inText(signed), sent: inText(sent) },
    { message: `The URL was signed for the host ${signed} but arrived with Host ${sent}.`, advice },
    withHeader('host', signed),
  )
}
