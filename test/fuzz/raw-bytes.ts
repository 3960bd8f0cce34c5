/** Bytes that are hardly HTTP, on both ports: answered in shape or closed, never with a failure of ours. */
import * as fc from 'fast-check'
import { byteSplice, fuzz, spliced, type ByteSplice } from './fuzz.ts'
import type { FuzzHarness } from './fuzz-harness.ts'
import type { Origin } from './shape.ts'

const methods = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PRI', 'get', 'M-SEARCH', 'X', '']
const targets = [
  '/',
  '/files',
  '/alice-1/k',
  '*',
  'http://h/',
  '//',
  '/%',
  '/a?b#c',
  '?',
  '/files/upload-url',
  '/public/p',
]
const versions = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/1.12', 'http/1.1', 'ICE/1.0', '']
const fields = [
  'Host: h',
  'Host:',
  'Host: h\r\nHost: g',
  'Content-Length: 3',
  'Content-Length: 3\r\nContent-Length: 4',
  'Content-Length: +3',
  'Content-Length: 99999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked\r\nContent-Length: 3',
  'Transfer-Encoding:\tchunked',
  'Connection: close',
  'Connection: upgrade\r\nUpgrade: websocket',
  'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
  'Expect: 100-continue',
  'Expect: something',
  'Expect: 100-continue\r\nContent-Length: 3',
  'Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request,SignedHeaders=host,Signature=0',
  'Authorization: Bearer x.y.z',
  'Cookie: postern_token=x; postern_token=y; __proto__=z',
  'Content-Type: application/json',
  'Content-Type: multipart/form-data; boundary=b',
  'Content-Encoding: gzip',
  'Origin: null',
  'Range: bytes=0-0',
  'X-Forwarded-For: ::1',
  'TE: trailers\r\nTrailer: X',
  ' folded: x',
  'No colon',
  'Space : x',
  'A: \0',
  'A: é\x80',
  `Long: ${'x'.repeat(17_000)}`,
]
const bodies = [
  '',
  'abc',
  '{}',
  '3\r\nabc\r\n0\r\n\r\n',
  '3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n',
  'fffffffff\r\n',
  '-1\r\n\r\n',
  'x\r\n',
]
const lineEnds = ['\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r']

type Input = { origin: Origin; text: string; changes: ByteSplice[]; cuts: number[] }

const request = fc
  .record({
    method: fc.constantFrom(...methods),
    target: fc.constantFrom(...targets),
    version: fc.oneof({ weight: 4, arbitrary: fc.constant('HTTP/1.1') }, fc.constantFrom(...versions)),
    host: fc.nat({ max: 5 }).map((n) => (n === 0 ? [] : ['Host: h'])),
    more: fc.array(fc.constantFrom(...fields), { maxLength: 4 }),
    end: fc.constantFrom(...lineEnds),
    body: fc.constantFrom(...bodies),
  })
  .map(
    (r) =>
      `${r.method} ${r.target} ${r.version}${[...r.host, ...r.more].map((line) => r.end + line).join('')}${r.end}${r.end}${r.body}`,
  )

const inputs: fc.Arbitrary<Input> = fc.record({
  origin: fc.constantFrom<Origin>('api', 'objects'),
  text: fc.array(request, { minLength: 1, maxLength: 2 }).map((all) => all.join('')),
  changes: fc.array(byteSplice(['\r\n', '\n', '\r', '\0', ' ', ':', '\r\n\r\n', '\xff', '%']), { maxLength: 3 }),
  cuts: fc.array(fc.nat({ max: 400 }), { maxLength: 3 }),
})

async function check(fuzzed: FuzzHarness, { origin, text, changes, cuts }: Input): Promise<void> {
  const bytes = spliced(Buffer.from(text, 'latin1'), changes)
  const method = /^[\r\n]*HEAD /.test(bytes.toString('latin1')) ? 'HEAD' : 'GET'
  await fuzzed.probe(origin, { method, bytes, cuts, partial: true })
}

export const rawFuzz = [fuzz('raw HTTP', 500, () => inputs, check)]
