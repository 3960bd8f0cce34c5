/** Security cases 56, 57, 61 and 62: requests that are refused before routing get a response of the usual shape. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assertShape, type Origin } from '../fuzz/shape.ts'
import { rawRequest } from '../fixtures/raw-http.ts'
import { startHarness, type Harness } from './harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness?.close())

const cases: [name: string, bytes: string, status: number][] = [
  ['56: no HTTP at all', 'hello\r\n\r\n', 400],
  ['56: two lengths', 'PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
  ['57: no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['57: an expectation nobody knows', 'GET / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n', 417],
  ['57: HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['61: headers over 16 KB', `GET / HTTP/1.1\r\nHost: h\r\nA: ${'a'.repeat(17_000)}\r\n\r\n`, 431],
  ['61: a target over 16 KB', `GET /${'a'.repeat(17_000)} HTTP/1.1\r\nHost: h\r\n\r\n`, 431],
]

test.each(
  cases.flatMap(([name, bytes, status]) =>
    (['objects', 'api'] as const).map((at) => [name, at, bytes, status] as const),
  ),
)('%s, at the %s origin', async (_, origin: Origin, bytes, status) => {
  harness.log.length = 0
  const answer = await rawRequest(origin === 'api' ? harness.gateway.apiUrl : harness.objectsAt, bytes)
  expect(answer.status).toBe(status)
  assertShape(origin, answer, 'GET')
  // The log names the request as the answer does.
  const id = answer.headers.get(origin === 'api' ? 'x-request-id' : 'x-amz-request-id')
  await expect.poll(() => harness.log.some((line) => line.includes(`"requestId":"${id}"`))).toBe(true)
})
