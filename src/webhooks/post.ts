/** One POST to an address that somebody else chose: where it may go is decided by the address that is connected to. */
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
  /** Whether it may go to this machine and to private networks. */
  allowPrivate: boolean
  /** Milliseconds for all of it. */
  timeout: number
  /** Ends it early. */
  signal: AbortSignal
  /** Stands in for the system's resolver in tests. */
  resolve?: Resolve
}

/** What came of it: `status` is null where no answer came, and then `error` says why. */
export type Posted = { status: number | null; error: string | null }

/** Bytes of an answer that are read before the connection is cut. */
const mostAnswer = 4096

/** Follows no redirect, uses no proxy and no connection twice. Never rejects. */
export async function post(o: PostOptions): Promise<Posted> {
  const timeout = AbortSignal.timeout(o.timeout)
  try {
    return { status: await send(o, AbortSignal.any([timeout, o.signal])), error: null }
  } catch (error) {
    if (timeout.aborted) return { status: null, error: `gave no answer within ${o.timeout / 1000} s` }
    return { status: null, error: reasonOf(error) }
  }
}

function send(o: PostOptions, signal: AbortSignal): Promise<number> {
  const url = new URL(o.url)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  // The lookup below is not asked about what is an address already.
  if (isIP(host) !== 0) assertAllowed(host, [host], o)
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const body = Buffer.from(o.body)
    const sent = request(url, {
      method: 'POST',
      headers: { ...o.headers, 'content-length': String(body.length) },
      // One connection for one request: each looks the name up, and is checked, anew.
      agent: false,
      lookup: checkedLookup(o),
      signal,
    })
    sent.on('error', reject)
    // One that switches to another protocol has neither an answer nor an error.
    sent.on('close', () => reject(connectionEnded()))
    sent.on('response', (answer) => {
      discard(answer)
      resolve(answer.statusCode ?? 0)
    })
    sent.end(body)
  })
}

/** What the socket connects to is what this hands out: nobody looks the name up again in between. */
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

/** One private address among several is enough: which of them is connected to is not ours to say. */
function assertAllowed(
  hostname: string,
  addresses: string[],
  { allowPrivate }: Pick<PostOptions, 'allowPrivate'>,
): void {
  if (addresses.length === 0) throw new AddressRefused(`${hostname} has no address`)
  const refused = allowPrivate ? undefined : addresses.find((address) => !isPublicAddress(address))
  if (refused === undefined) return
  const what = refused === hostname ? hostname : `${hostname} is ${refused}, which`
  throw new AddressRefused(`${what} is no public address: set allowPrivate: true to reach it`)
}

const connectionEnded = () => Object.assign(new Error('the connection ended without an answer'), { code: 'ECONNRESET' })

/** Read as far as is polite, and kept nowhere. */
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
