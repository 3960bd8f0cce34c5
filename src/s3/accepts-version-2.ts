/** `objects.sigV2`: decides which requests may use signature version 2. */
import type { IncomingMessage } from 'node:http'
import type { Config } from '../config/config.ts'
import { isLoopbackHost, isUnproxied, servesLoopbackOnly } from '../http/loopback.ts'
import { bucketOfHost } from './target.ts'

export type Version2Place = {
  /** Development mode or test mode. */
  dev: boolean
  /** The endpoint's public URL. */
  url: () => string
}

export function createVersion2Rule(
  { objects, server }: Pick<Config, 'objects' | 'server'>,
  { dev, url }: Version2Place,
): (req: IncomingMessage) => boolean {
  if (objects.sigV2 !== 'auto') return () => objects.sigV2 === 'on'
  if (dev) return () => true
  const { host: listenHost } = objects.listen === 'shared' ? server.listen : objects.listen
  const { trustedProxies } = server
  return (req) => {
    if (!servesLoopbackOnly({ listenHost, publicUrl: url(), trustedProxies }) || !isUnproxied(req)) return false
    const { host = '' } = req.headers
    return isLoopbackHost(bucketOfHost(host, objects.virtualHosts) === null ? host : (objects.virtualHosts ?? ''))
  }
}
