/** Security case 107: a webhook cannot reach a non-public address, by any name or redirect. */
import type { LookupAddress } from 'node:dns'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkedLookup, post, type Posted } from '../../src/webhooks/post.ts'
import { isPublicAddress } from '../../src/webhooks/public-address.ts'
import { startReceiver, type Receiver } from '../service/receiver.ts'

describe('addresses', () => {
  it.each([
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1', '0.0.0.0', '::', '0.1.2.3']],
    ['link-local', ['169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'febf::1']],
    ['private', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1']],
    ['unique-local and site-local', ['fc00::1', 'fdff::1', 'fec0::1']],
    ['metadata', ['169.254.169.254', '100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254']],
    ['multicast, broadcast and reserved', ['224.0.0.1', '239.1.1.1', '255.255.255.255', '240.0.0.1', 'ff02::1']],
    ['documentation and benchmarks', ['192.0.2.1', '198.51.100.1', '203.0.113.1', '198.18.0.1', '2001:db8::1']],
    ['IPv4 in IPv6', ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '::127.0.0.1', '::7f00:1']],
    ['NAT64', ['64:ff9b::127.0.0.1', '64:ff9b::a00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::1']],
    ['6to4 and Teredo', ['2002:7f00:1::1', '2002:a00:1::', '2002:808:808::1', '2001::1']],
    ['no address', ['', 'localhost', '127.1.1', '1.2.3.4.5', ':::']],
  ])('%s are not public', (_, addresses) => {
    expect(addresses.filter(isPublicAddress)).toEqual([])
  })

  it('public addresses are allowed', () => {
    const addresses = ['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808']
    expect(addresses.filter((address) => !isPublicAddress(address))).toEqual([])
  })
})

describe('connections', () => {
  let receiver: Receiver
  beforeEach(async () => {
    receiver = await startReceiver()
  })
  afterEach(() => receiver.close())

  const send = (
    url: string,
    o: { resolve?: (hostname: string) => Promise<LookupAddress[]>; allowPrivate?: boolean } = {},
  ): Promise<Posted> =>
    post({
      url,
      headers: { 'content-type': 'application/json' },
      body: '{}',
      allowPrivate: false,
      timeout: 5000,
      signal: new AbortController().signal,
      ...o,
    })
  const port = () => new URL(receiver.url).port
  const refusal = {
    status: null,
    error: expect.stringContaining('not a public address. To allow it, set allowPrivate: true') as string,
  }

  it.each(['127.0.0.1', '2130706433', '0x7f.1', '0177.0.0.1', '127.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]'])(
    'http://%s/ is refused before anything is connected',
    async (host) => {
      expect(await send(`http://${host}:${port()}/`)).toEqual(refusal)
      expect(receiver.connections).toBe(0)
    },
  )

  it('refuses https as well', async () => {
    expect(await send(`https://127.0.0.1:${port()}/`)).toEqual(refusal)
    expect(await send(`https://localhost:${port()}/`)).toEqual(refusal)
    expect(receiver.connections).toBe(0)
  })

  it.each([
    ['one private address', ['127.0.0.1']],
    ['a private address behind a public one', ['203.0.113.1', '127.0.0.1']],
    ['a mapped one', ['::ffff:127.0.0.1']],
    ['none', []],
  ])('a name with %s is refused', async (_, addresses) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    const { status, error } = await send(`http://hook.example:${port()}/`, { resolve: async () => found })
    expect([status, error]).toEqual([null, expect.stringMatching(/no address|not a public address/)])
    expect(receiver.connections).toBe(0)
  })

  it('resolves a name once, and connects to that address', async () => {
    const answers = [[{ address: '2606:4700::1111', family: 6 }], [{ address: '127.0.0.1', family: 4 }]]
    let asked = 0
    const lookup = checkedLookup({ allowPrivate: false, resolve: async () => answers[asked++] ?? [] })
    const look = () =>
      new Promise((done) => lookup('hook.example', { all: true }, (error, found) => done(error?.message ?? found)))
    expect(await look()).toEqual(answers[0])
    expect(asked).toBe(1)
    expect(await look()).toContain('hook.example is 127.0.0.1, which is not a public address')
  })

  it('resolves the name once per request, and connects to that address', async () => {
    let asked = 0
    const resolve = async () => {
      asked += 1
      return [{ address: '127.0.0.1', family: 4 }]
    }
    const url = `http://hook.example:${port()}/`
    expect(await send(url, { resolve, allowPrivate: true })).toEqual({ status: 204, error: null })
    expect(await send(url, { resolve })).toEqual(refusal)
    // The connection that was allowed before is not used again.
    expect([asked, receiver.connections]).toEqual([2, 1])
  })

  it('does not follow a redirect to loopback', async () => {
    const inner = await startReceiver()
    receiver.answer = (res) => void res.writeHead(302, { location: inner.url }).end()
    expect(await send(receiver.url, { allowPrivate: true })).toEqual({ status: 302, error: null })
    expect(inner.connections).toBe(0)
    await inner.close()
  })
})
