/** Sends one POST to a configured URL. Whether it is allowed depends on the IP address of the connection. */
import type { LookupAddress } from 'node:dns'
import { lookup as systemLookup } from 'node:dns/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isPublicAddress } from './public-address.ts'

export type Resolve = (hostname: string) => Promise<LookupAddress[]>

export type PostOptions = {
  url: string
  headers: Record<string, string>
  body: string
  /** Allows this machine and private networks. */
  allowPrivate: boolean
  /** Milliseconds for the whole request. */
  timeout: number
  /** Aborts the request. */
  signal: AbortSignal
  /** Replaces the system's resolver in tests. */
  resolve?: Resolve
}

/** `status` is null if no response arrived. Then `error` has the reason. */
export type Posted = { status: number | null; error: string | null }

/** Maximum bytes of a response. Then the connection is closed. */
const mostAnswer = 4096

/** Follows no redirects, uses no proxy and reuses no connection. Never rejects. */
export async function post(o: PostOptions): Promise<Posted> {
  const timeout = AbortSignal.timeout(o.timeout)
  try {
    return { status: await send(o, AbortSignal.any([timeout, o.signal])), error: null }
  } catch (error) {
    if (timeout.aborted) return { status: null, error: `did not answer within ${o.timeout / 1000} s` }
    return { status: null, error: reasonOf(error) }
  }
}

function send(o: PostOptions, signal: AbortSignal): Promise<number> {
  const url = new URL(o.url)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  // Node does not call `lookup` for IP addresses.
  if (isIP(host) !== 0) assertAllowed(host, [host], o)
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const body = Buffer.from(o.body)
    const sent = request(url, {
      method: 'POST',
      headers: { ...o.headers, 'content-length': String(body.length) },
      // A new connection for each request, so that each address is resolved and checked.
      agent: false,
      lookup: checkedLookup(o),
      signal,
    })
    sent.on('error', reject)
    // A server that switches protocols causes neither a response nor an error.
    sent.on('close', () => reject(connectionEnded()))
    sent.on('response', (answer) => {
      discard(answer)
      resolve(answer.statusCode ?? 0)
    })
    sent.end(body)
  })
}

/** The socket connects to the address that was checked here, without another lookup. */
export function checkedLookup(o: Pick<PostOptions, 'allowPrivate' | 'resolve'>): LookupFunction {
  const resolve = o.resolve ?? ((hostname) => systemLookup(hostname, { all: true }))
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (found) => {
        try {
          assertAllowed(
            hostname,
            found.map(({ address }) => address),
            o,
          )
        } catch (error) {
          callback(error as Error, '')
          return
        }
        const [first] = found
        if (options.all) callback(null, found)
        else callback(null, first!.address, first!.family)
      },
      (error: unknown) => callback(error as Error, ''),
    )
  }
}

class AddressRefused extends Error {}

/** Refuses a name with any private address, because the socket may connect to any of them. */
function assertAllowed(
  hostname: string,
  addresses: string[],
  { allowPrivate }: Pick<PostOptions, 'allowPrivate'>,
): void {
  if (addresses.length === 0) throw new AddressRefused(`${hostname} has no address`)
  const refused = allowPrivate ? undefined : addresses.find((address) => !isPublicAddress(address))
  if (refused === undefined) return
  const what = refused === hostname ? hostname : `${hostname} is ${refused}, which`
  throw new AddressRefused(`${what} is not a public address. To allow it, set allowPrivate: true`)
}

const connectionEnded = () => Object.assign(new Error('the connection ended without an answer'), { code: 'ECONNRESET' })

/** Reads and discards the response. */
function discard(answer: IncomingMessage): void {
  let read = 0
  answer.on('error', () => {})
  answer.on('data', (chunk: Buffer) => {
    read += chunk.length
    if (read > mostAnswer) answer.destroy()
  })
}

function reasonOf(error: unknown): string {
  if (error instanceof AddressRefused) return error.message
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no connection'
  return `could not be reached (${code})`
}
