/** Security cases 61, 69, 101 and 103: a few kilobytes from a client cost the server at most a few milliseconds. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { matches } from '../../src/drivers/conditions.ts'
import { maskTarget } from '../../src/http/logger.ts'
import { parseRange } from '../../src/s3/range.ts'
import type { RawAnswer } from '../fixtures/raw-http.ts'
import { rawApi, startHarness, type Harness } from './harness.ts'

let harness: Harness
let authorization: string
beforeAll(async () => {
  harness = await startHarness()
  authorization = `Bearer ${await harness.gateway.token('alice')}`
  await harness.signed('gateway', 'PUT', '/postern/public/text', {
    body: 'text',
    headers: { 'content-type': 'text/plain' },
  })
  await harness.signed('alice', 'PUT', '/alice-1')
})
afterAll(() => harness?.close())

const long = 15_000
const spaces = ' '.repeat(long)
const get = (headers: Record<string, string>, target = '/postern/public/text'): Promise<RawAnswer> =>
  harness.raw('GET', target, headers)
const api = (headers: Record<string, string>, target = '/files'): Promise<RawAnswer> =>
  rawApi(harness, 'GET', target, headers)
const json = (body: string, path = '/files/upload-url'): Promise<RawAnswer> =>
  rawApi(harness, 'POST', path, { authorization, 'content-type': 'application/json' }, body)
const xml = (query: string, body: string): Promise<RawAnswer> =>
  harness.signed('alice', query === 'delete' ? 'POST' : 'PUT', `/alice-1?${query}`, {
    body,
    headers: { 'content-md5': createHash('md5').update(body).digest('base64') },
  })

test.each<[string, () => Promise<RawAnswer>]>([
  ['If-Match with spaces in a list', () => get({ 'if-match': `a,${spaces}"b` })],
  ['If-None-Match with many ETags', () => get({ 'if-none-match': '"a",'.repeat(long / 4) })],
  ['Range with spaces', () => get({ range: `bytes=${spaces}x` })],
  ['Range with spaces behind', () => get({ range: `bytes=1-${spaces}x` })],
  ['many ranges', () => get({ range: `bytes=${'0-0,'.repeat(long / 4)}` })],
  ['If-Range of parentheses', () => get({ range: 'bytes=0-0', 'if-range': '('.repeat(long) })],
  ['If-Modified-Since of parentheses', () => get({ 'if-modified-since': '('.repeat(long) })],
  ['a path that looks like tokens', () => get({}, `/${'eyJ-'.repeat(long / 4)}`)],
  ['a path of token=', () => get({}, `/${'token='.repeat(long / 6)}`)],
  ['as many parameters as fit', () => get({}, `/postern/public/text?${'a&'.repeat(long / 2)}`)],
  ['different ones', () => get({}, `/postern?${Array.from({ length: 2500 }, (_, i) => `a${i}`).join('&')}`)],
  ['escapes', () => get({}, `/postern/public/${'%61'.repeat(long / 3)}`)],
  ['Authorization of commas', () => get({ authorization: `AWS4-HMAC-SHA256 ${','.repeat(long)}` })],
  ['Authorization of spaces', () => get({ authorization: `AWS${spaces}x` })],
  [
    'SignedHeaders without end',
    () =>
      get({
        authorization: `AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=${'a;'.repeat(long / 3)},Signature=x`,
      }),
  ],
  [
    'a multipart type of spaces',
    () => harness.raw('POST', '/alice-1', { 'content-type': `multipart/form-data${spaces}x`, 'content-length': '0' }),
  ],
  [
    'a boundary of spaces',
    () =>
      harness.raw('POST', '/alice-1', {
        'content-type': `multipart/form-data;${spaces}boundary`,
        'content-length': '0',
      }),
  ],
  ['Bearer and spaces', () => api({ authorization: `Bearer ${spaces}\x80` })],
  ['a token of 15 KB', () => api({ authorization: `Bearer ${'a.'.repeat(long / 2)}` })],
  ['a cookie of semicolons', () => api({ cookie: '; '.repeat(long / 2) })],
  ['cookies of one name', () => api({ cookie: 'postern_token =x;'.repeat(800) })],
  ['a path of the API that looks like tokens', () => api({}, `/${'eyJ-'.repeat(long / 4)}`)],
  ['Accept-Encoding', () => api({ 'accept-encoding': 'gzip;q=0,'.repeat(long / 9) }, '/assets/a.js')],
  ['a search of wildcards', () => api({ authorization }, `/files?q=${'%25_'.repeat(50)}`)],
  ['deep JSON', () => json('['.repeat(100_000))],
  ['deep objects', () => json('{"a":'.repeat(40_000) + '1' + '}'.repeat(40_000))],
  ['wide JSON', () => json(`{${Array.from({ length: 20_000 }, (_, i) => `"a${i}":1`).join(',')}}`)],
  [
    'many metadata',
    () =>
      json(
        JSON.stringify({
          filename: 'a',
          metadata: Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`a${i}`, 'b'])),
        }),
      ),
  ],
  ['a type of semicolons', () => json(JSON.stringify({ filename: 'a', mimeType: `a/b${' ;'.repeat(120)}` }))],
  ['a name of dots', () => json(JSON.stringify({ filename: '.'.repeat(255), mimeType: 'text/plain' }))],
  ['elements never closed', () => xml('cors', '<a>'.repeat(30_000))],
  ['one long name', () => xml('cors', `<${'a'.repeat(900_000)}>`)],
  ['attributes', () => xml('cors', `<a ${'b="c" '.repeat(100_000)}/>`)],
  ['entities', () => xml('cors', `<CORSConfiguration>${'&amp;'.repeat(150_000)}</CORSConfiguration>`)],
  ['entities of ours', () => xml('cors', '<!DOCTYPE a [<!ENTITY b "c">]><CORSConfiguration>&b;</CORSConfiguration>')],
  ['comments', () => xml('cors', `<CORSConfiguration>${'<!--'.repeat(200_000)}</CORSConfiguration>`)],
  [
    'a megabyte of keys to delete',
    () => xml('delete', `<Delete>${'<Object><Key>a</Key></Object>'.repeat(35_000)}</Delete>`),
  ],
])('%s', async (name, send) => {
  await get({})
  // Client and gateway are one process: its time on the processor, however many others want that.
  const begun = process.cpuUsage()
  const { status } = await send()
  const { user } = process.cpuUsage(begun)
  expect(status === 501 || status < 500).toBe(true)
  // What is quadratic in 15 KB takes several times as long; bodies have up to a megabyte.
  expect(user / 1000).toBeLessThan(/megabyte|entities|attributes|long name|comments|closed/.test(name) ? 1500 : 300)
})

test.each<[string, (size: number) => unknown]>([
  ['ETags', (size) => matches(`a,${' '.repeat(size)}"b`, 'c', 'strong')],
  ['ranges', (size) => parseRange(`bytes=${' '.repeat(size)}x`)],
  ['ranges, behind', (size) => parseRange(`bytes=1-${' '.repeat(size)}x`)],
  ['logged targets', (size) => maskTarget(`/${'eyJ-'.repeat(size / 4)}`)],
  ['logged values', (size) => maskTarget(`/?nonce=${'a'.repeat(size)}`)],
  ['logged queries', (size) => maskTarget(`/?${'token&'.repeat(size / 6)}`)],
])('%s are read in linear time', (_, read) => {
  const begun = process.cpuUsage()
  read(300_000)
  expect(process.cpuUsage(begun).user / 1000).toBeLessThan(500)
})
