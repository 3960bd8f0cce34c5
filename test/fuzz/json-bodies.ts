/** JSON for every route that reads some, its shapes taken from the schemas that the routes themselves check with. */
import { strict as assert } from 'node:assert'
import * as fc from 'fast-check'
import { confirmInput, patchInput, renewInput, uploadInput } from '../../src/api/input.ts'
import { beginMultipartInput, completeInput, issuePartsInput } from '../../src/api/multipart-input.ts'
import { byteSplice, fuzz, spliced, type ByteSplice } from './fuzz.ts'
import { fromSchema } from './from-schema.ts'
import { wire, type FuzzHarness } from './fuzz-harness.ts'

const routes = [
  { method: 'POST', path: '/files/upload-url', schema: uploadInput },
  { method: 'POST', path: '/api/upload-url', schema: uploadInput },
  { method: 'POST', path: '/files/confirm', schema: confirmInput },
  { method: 'POST', path: '/files/PENDING/upload-url', schema: renewInput },
  { method: 'PATCH', path: '/files/CONFIRMED', schema: patchInput },
  { method: 'POST', path: '/files/multipart', schema: beginMultipartInput },
  { method: 'POST', path: '/files/multipart/MULTIPART/parts', schema: issuePartsInput },
  { method: 'POST', path: '/files/multipart/MULTIPART/complete', schema: completeInput },
  { method: 'POST', path: '/s3/multipart', schema: beginMultipartInput },
  { method: 'POST', path: '/s3/multipart/MULTIPART/complete', schema: completeInput },
] as const

type Input = { route: (typeof routes)[number]; body: unknown; changes: ByteSplice[]; type: string; cuts: number[] }

const inputs = ({ files }: FuzzHarness): fc.Arbitrary<Input> => {
  const known = Object.values(files).flatMap(({ id, key }) => [id, key])
  return fc.constantFrom(...routes).chain((route) =>
    fc.record({
      route: fc.constant(route),
      body: fromSchema(route.schema, known),
      changes: fc.oneof(
        { weight: 4, arbitrary: fc.constant<ByteSplice[]>([]) },
        fc.array(byteSplice(['{', '}', '"', ',', '\\u0000', '\\ud800', '"__proto__":1,', '[[[[', '\xff', '1e999']), {
          maxLength: 2,
        }),
      ),
      type: fc.oneof(
        { weight: 9, arbitrary: fc.constant('application/json') },
        fc.constantFrom('text/plain', 'application/json; charset=utf-16', 'application/xml', '', 'application/json; a'),
      ),
      cuts: fc.array(fc.nat({ max: 800 }), { maxLength: 2 }),
    }),
  )
}

async function check(fuzzed: FuzzHarness, { route, body, changes, type, cuts }: Input): Promise<void> {
  const { pending, confirmed, multipart } = fuzzed.files
  const target = route.path
    .replace('PENDING', pending.id)
    .replace('CONFIRMED', confirmed.id)
    .replace('MULTIPART', multipart.id)
  const sent = spliced(Buffer.from(JSON.stringify(body) ?? ''), changes)
  const headers = {
    host: new URL(fuzzed.at.api).host,
    authorization: `Bearer ${fuzzed.token}`,
    ...(type === '' ? {} : { 'content-type': type }),
    'content-length': String(sent.length),
  }
  const bytes = wire(route.method, target, headers, sent)
  // A confirm may settle an upload as refused: that is its answer's meaning, not a trace of a bad request.
  const mayChange = /confirm|complete/.test(route.path)
  const answer = await fuzzed.probe('api', { method: route.method, bytes, cuts }, { mayChange })
  assert.notEqual(answer, null, 'the API ended a whole request without an answer')
  if (answer!.status < 300) assert.match(answer!.headers.get('content-type') ?? '', /^application\/json\b/)
}

export const jsonFuzz = [fuzz('JSON bodies', 400, inputs, check)]
