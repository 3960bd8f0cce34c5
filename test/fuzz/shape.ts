/** The documented shape of every answer, whatever was asked: what a client may rely on without knowing the route. */
import { strict as assert } from 'node:assert'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import type { RawAnswer } from '../fixtures/raw-http.ts'

export type Origin = 'objects' | 'api'

const requestIdHeader = { objects: 'x-amz-request-id', api: 'x-request-id' } as const
const parser = new XMLParser({ parseTagValue: false })

/** 501 says what is missing; every other 5xx is a failure of ours. */
const isFailure = (status: number): boolean => status >= 500 && status !== 501

/** Throws where `answer` is not what docs/ARCHITECTURE.md and the contract promise of an answer of this origin. */
export function assertShape(origin: Origin, answer: RawAnswer, method: string): void {
  const { status, headers, text } = answer
  assert.ok(status >= 200 && status < 600, `${status} is no status of an answer`)
  assert.ok(!isFailure(status), `answered ${status}: ${text}`)
  const id = headers.get(requestIdHeader[origin])
  assert.match(id ?? '', /^[0-9A-F]{16}$/, `${status} carries no request id`)
  if (method === 'HEAD' || status === 204 || status === 304) {
    assert.equal(text, '', `${status} to ${method} has a body`)
    return
  }
  if (status >= 400) assertError[origin](answer, id ?? '')
  else if ((headers.get('content-type') ?? '') === 'application/xml' && text !== '') assertXml(text)
}

const assertError = {
  objects({ headers, text }: RawAnswer, id: string): void {
    assert.equal(headers.get('content-type'), 'application/xml')
    assertXml(text)
    const error = (parser.parse(text) as { Error?: Record<string, unknown> }).Error
    assert.match(String(error?.['Code']), /^[A-Z][A-Za-z0-9]+$/)
    assert.notEqual(String(error?.['Message'] ?? ''), '')
    assert.equal(error?.['RequestId'], id, 'the id in the body is another than in the header')
  },
  api({ status, headers, text }: RawAnswer, id: string): void {
    assert.match(headers.get('content-type') ?? '', /^application\/problem\+json\b/, `${status}: ${text}`)
    const problem = JSON.parse(text) as Record<string, unknown>
    for (const name of ['type', 'title', 'detail', 'code'])
      assert.ok(typeof problem[name] === 'string' && problem[name] !== '', `a problem without ${name}`)
    assert.equal(problem['status'], status)
    assert.equal(problem['requestId'], id)
    assert.equal(problem['error'], problem['detail'])
  },
} as const satisfies Record<Origin, (answer: RawAnswer, id: string) => void>

function assertXml(text: string): void {
  const valid = XMLValidator.validate(text)
  assert.ok(valid === true, `no XML: ${JSON.stringify(valid)} in ${text}`)
}
