import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { createClientIp } from '../../src/http/client-ip.ts'
import { allowedOrigin } from '../../src/http/cors.ts'
import { createLogger, maskTarget, shortTarget } from '../../src/http/logger.ts'

describe('client address', () => {
  const from = (remoteAddress: string, forwarded?: string): IncomingMessage =>
    ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage

  test('without trusted proxies the header is not read', () => {
    expect(createClientIp([])(from('10.0.0.1', '1.2.3.4'))).toBe('10.0.0.1')
    expect(createClientIp(['10.0.0.0/8'])(from('192.0.2.1', '1.2.3.4'))).toBe('192.0.2.1')
  })

  test.each([
    ['1.2.3.4', '1.2.3.4'],
    ['6.6.6.6, 1.2.3.4', '1.2.3.4'],
    ['6.6.6.6, 1.2.3.4, 10.1.1.1', '1.2.3.4'],
    ['1.2.3.4:5678', '1.2.3.4'],
    ['[2001:db8::7]:443', '2001:db8::7'],
    ['rubbish', '10.0.0.1'],
    ['6.6.6.6, rubbish, 10.1.1.1', '10.1.1.1'],
    ['10.2.2.2', '10.2.2.2'],
    [undefined, '10.0.0.1'],
  ])('behind a trusted proxy, X-Forwarded-For: %s is %s', (header, ip) => {
    const clientIp = createClientIp(['10.0.0.0/8'])
    expect(clientIp(from('10.0.0.1', header))).toBe(ip)
    expect(clientIp(from('::ffff:10.0.0.1', header))).toBe(ip)
  })

  test('an invalid range fails the start', () => {
    expect(() => createClientIp(['proxy.example'])).toThrow('trustedProxies')
  })
})

test.each([
  [['https://a.example'], 'https://a.example', 'https://a.example'],
  [['https://a.example'], 'https://evil-a.example', null],
  [['https://a.example'], 'https://a.example.evil', null],
  [['https://a.example'], 'http://a.example', null],
  [['*'], 'https://b.example', '*'],
  [['*'], 'null', null],
  [['*'], undefined, null],
  [[], 'https://a.example', null],
])('origins %j, origin %s → %s', (origins, origin, answer) => {
  expect(allowedOrigin(origins, origin)).toBe(answer)
})

describe('the log', () => {
  const logged = (write: (log: ReturnType<typeof createLogger>) => void): string => {
    let text = ''
    write(createLogger({ level: 'info', format: 'json' }, { write: (line: string) => (text += line) }))
    return text
  }

  test('contains no credentials, however they are passed', () => {
    const url = '/b/k?X-Amz-Credential=id%2Fs&X-Amz-Signature=5ec4e7&X-Amz-Security-Token=5ec4e7&x=1'
    const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI1ZWM0ZTcifQ.5ec4e7'
    const text = logged((log) => {
      log.info(
        { headers: { Authorization: 'AWS4 5ec4e7', cookie: 'postern_token=5ec4e7', a: [{ token: '5ec4e7' }] } },
        `GET ${url}`,
      )
      log.warn(`Bearer ${token}`)
      log.error({ err: new Error(`failed at ${url}`, { cause: new Error(token) }), url })
      log.child({}).info({ link: '/l/5ec4e75ec4e7' })
    })
    expect(text).not.toContain('5ec4e7')
    expect(text).toContain('X-Amz-Credential=id%2Fs')
    expect(text.trim().split('\n')).toHaveLength(4)
    expect(text).toContain('failed at')
  })

  test('masks tokens in any parameter, and keeps parameters of S3 and the API', () => {
    const nonce = '0123456789abcdef0123456789abcdef'
    for (const query of [`nonce=${nonce}`, `api_key=a${nonce}`, nonce, `state=%61${nonce}`, `t=sk_live-${nonce}%zz`])
      expect(maskTarget(`/healthz?${query}&x=1`)).toMatch(/^\/healthz\?(\w+=)?\[hidden\]&x=1$/)
    for (const harmless of [
      '/b/k?X-Amz-Credential=POSTERNTESTTESTTEST1%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z',
      '/s3/multipart/1?key=uploads%2F0f8fad5b-d9cb-469f-a165-70867728950e.jpg',
      '/b?list-type=2&prefix=backups-2026-11-30-of-the-database&max-keys=1000',
      '/files?q=holiday+2026&limit=100',
    ])
      expect(maskTarget(harmless)).toBe(harmless)
  })

  test('a long target is cut after it is masked', () => {
    const long = shortTarget(`/files?q=${'x'.repeat(5000)}&token=5ec4e7`)
    expect(long).toMatch(/^\/files\?q=x+… \(5022 characters\)$/)
    expect(long.length).toBeLessThan(1100)
    // The end of a signature that is cut in two is hidden too.
    expect(shortTarget(`/b/${'k'.repeat(990)}?X-Amz-Signature=${'5ec4e7'.repeat(20)}`)).not.toContain('5ec4e7')
  })

  test('a secret under an encoded name is a secret', () => {
    expect(maskTarget('/b/k?X-Amz-Signatur%65=5ec4e7&%zz=1')).toBe('/b/k?X-Amz-Signatur%65=[hidden]&%zz=1')
  })
})
