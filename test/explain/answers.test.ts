import { expect, it } from 'vitest'
import { adviceOnAnswer, readErrorDocument } from '../../src/explain/answer-advice.ts'
import { compareCanonical } from '../../src/explain/compare-canonical.ts'
import { explainUrl } from '../../src/explain/explain-url.ts'
import { SignatureError } from '../../src/sigv4/types.ts'
import { verifyRequest } from '../../src/sigv4/verify-request.ts'
import { headers, keys, publicHost, requestSent, signed, soon } from './signed-put.ts'

/** The canonical request that a store sees and tells, when `rawHeaders` reach it. */
function seenBy(rawHeaders: readonly string[]): string {
  try {
    verifyRequest({ ...requestSent({}), rawHeaders }, { region: 'us-east-1', service: 's3', keys, now: soon })
  } catch (error) {
    return (error as SignatureError).details['CanonicalRequest']!
  }
  throw new Error('it was accepted')
}

it('finds the first line that differs from the request of the store', () => {
  const seen = seenBy(['Host', 'internal:9000', 'content-type', 'image/jpeg'])
  expect(compareCanonical(requestSent({}), seen)).toEqual({
    line: 5,
    sent: `host:${publicHost}`,
    seen: 'host:internal:9000',
  })
  const sentType = { ...headers, 'content-type': 'text/plain' }
  expect(
    compareCanonical(requestSent({ headers: sentType }), seenBy(requestSent({ headers: sentType }).rawHeaders)),
  ).toBeNull()
})

it('reads an error document with any content', () => {
  const xml =
    '<Error><Code>SignatureDoesNotMatch</Code><Message>a &lt;b&gt; &amp; &#x27;c&#39;</Message><CanonicalRequest>GET&#10;/</CanonicalRequest></Error>'
  expect(readErrorDocument(xml)).toEqual({
    code: 'SignatureDoesNotMatch',
    message: "a <b> & 'c'",
    canonicalRequest: 'GET\n/',
  })
  expect(readErrorDocument('<html>&#x110000;<Code>&#x110000;</Code>')).toEqual({
    code: '&#x110000;',
    message: null,
    canonicalRequest: null,
  })
})

it('has advice for codes, and for statuses without one', () => {
  expect(adviceOnAnswer(200, null)).toBeNull()
  expect(adviceOnAnswer(403, 'RequestTimeTooSkewed')).toMatch(/NTP/)
  for (const status of [301, 403, 404, 418, 503]) expect(adviceOnAnswer(status, null)).toMatch(/\w/)
  expect(adviceOnAnswer(400, 'toString')).toMatch(/error code is unknown/)
})

it('does not report unknown values as differences, and lists what was signed', () => {
  const o = { region: null, keys, now: soon, hosts: [] }
  const use = { pathPrefix: '/objects' }
  const explained = explainUrl(signed(), use, o)
  expect(explained).toMatchObject({
    outcome: 'valid',
    difference: null,
    signedFor: { method: 'PUT', headers: [{ name: 'content-type', value: 'image/jpeg' }] },
  })
  expect(explained.rows.every(({ same }) => same)).toBe(true)
  expect(explainUrl(signed(), { ...use, method: 'POST' }, o)).toMatchObject({
    outcome: 'refused',
    difference: { code: 'MethodChanged' },
  })
  expect(explainUrl(signed(), { ...use, headers: [['content-type', 'a/b']] }, o)).toMatchObject({
    outcome: 'refused',
    difference: { code: 'HeaderChanged' },
  })
  const sized = signed({ headers: { 'content-length': '5' } })
  expect(explainUrl(sized, use, o)).toMatchObject({
    outcome: 'unchecked',
    difference: null,
    signedFor: { method: null },
  })
  expect(explainUrl(`${signed()}&x=1`, use, o)).toMatchObject({
    outcome: 'refused',
    difference: { code: 'ParameterAdded' },
  })
})
