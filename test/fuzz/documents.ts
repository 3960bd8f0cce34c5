/** XML of every operation that reads some: trees of the right and the wrong words, and text that is hardly XML. */
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { signRequest } from '../../src/sigv4/sign-request.ts'
import { keys } from '../security/harness.ts'
import { byteSplice, fuzz, spliced, type ByteSplice } from './fuzz.ts'
import { wire, type FuzzHarness } from './fuzz-harness.ts'

type Call = { method: string; target: string; root: string }
const calls: readonly Call[] = [
  { method: 'POST', target: '/alice-1?delete', root: 'Delete' },
  { method: 'PUT', target: '/alice-1?cors', root: 'CORSConfiguration' },
  { method: 'PUT', target: '/alice-1/k?tagging', root: 'Tagging' },
  { method: 'PUT', target: '/alice-1?acl', root: 'AccessControlPolicy' },
  { method: 'PUT', target: '/alice-1/k?acl', root: 'AccessControlPolicy' },
  { method: 'PUT', target: '/alice-fuzz', root: 'CreateBucketConfiguration' },
  { method: 'POST', target: '/alice-1/joined?uploadId=UPLOAD', root: 'CompleteMultipartUpload' },
]

const words: Record<string, readonly string[]> = {
  Delete: ['Object', 'Key', 'VersionId', 'Quiet', 'ETag'],
  CORSConfiguration: ['CORSRule', 'AllowedMethod', 'AllowedOrigin', 'AllowedHeader', 'ExposeHeader', 'MaxAgeSeconds'],
  Tagging: ['TagSet', 'Tag', 'Key', 'Value'],
  AccessControlPolicy: ['Owner', 'ID', 'AccessControlList', 'Grant', 'Grantee', 'Permission', 'URI'],
  CreateBucketConfiguration: ['LocationConstraint', 'Location', 'Bucket'],
  CompleteMultipartUpload: ['Part', 'PartNumber', 'ETag', 'ChecksumCRC32'],
}
const texts = ['', '1', '2', 'k', 'GET', '*', 'https://a', 'true', 'us-east-1', 'FULL_CONTROL', '99999999999', '"x"']
const oddTexts = [
  '&#0;',
  '&#xD800;',
  '&#x110000;',
  '&lt;',
  '&nope;',
  '<![CDATA[x]]>',
  '<!-- c -->',
  ']]>',
  '\uffff',
  ' ',
]

const treeOf = (root: string): fc.Arbitrary<string> => {
  const name = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...words[root]!) },
    fc.constantFrom('__proto__', 'constructor', 'x:Key', 'Key xmlns="urn:x"', '1', 'é'),
  )
  const text = fc.oneof(
    fc.constantFrom(...texts),
    fc.constantFrom(...oddTexts),
    fc.string({ maxLength: 8, unit: 'binary' }).map((all) => all.replace(/[<&]/g, '')),
  )
  const { node } = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      text,
      fc
        .tuple(name, fc.array(tie('node'), { maxLength: 4 }))
        .map(([tag, inner]) => `<${tag}>${inner.join('')}</${tag.split(' ', 1)[0]}>`),
    ),
  }))
  return fc.array(node, { maxLength: 5 }).map((inner) => `<${root}>${inner.join('')}</${root}>`)
}

type Input = { call: Call; text: string; changes: ByteSplice[]; utf16: boolean; depth: number }

const inputs: fc.Arbitrary<Input> = fc.constantFrom(...calls).chain((call) =>
  fc.record({
    call: fc.constant(call),
    text: treeOf(call.root),
    changes: fc.array(byteSplice(['<', '>', '</', '/>', '&', '<!DOCTYPE a>', '<?xml?>', '<!--', ']]>', '\0', '\xff']), {
      maxLength: 1,
    }),
    utf16: fc.nat({ max: 20 }).map((n) => n === 0),
    depth: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.nat({ max: 5000 })),
  }),
)

const uploads = new WeakMap<FuzzHarness, Promise<string>>()

/** A multipart upload of alice's with one part in it; begun anew where a document has completed the last. */
async function openUpload(fuzzed: FuzzHarness): Promise<string> {
  const begun = await fuzzed.harness.signed('alice', 'POST', '/alice-1/joined?uploads')
  const id = /<UploadId>([^<]+)/.exec(begun.text)![1]!
  await fuzzed.harness.signed('alice', 'PUT', `/alice-1/joined?partNumber=1&uploadId=${id}`, { body: 'part' })
  return id
}

async function check(fuzzed: FuzzHarness, { call, text, changes, utf16, depth }: Input): Promise<void> {
  const deep = `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`
  const whole = Buffer.from(text.replace(/(?=<\/[^>]*>$)/, deep), utf16 ? 'utf16le' : 'utf8')
  const body = spliced(whole, changes)
  let { target } = call
  if (target.includes('UPLOAD')) {
    if (!uploads.has(fuzzed)) uploads.set(fuzzed, openUpload(fuzzed))
    target = target.replace('UPLOAD', await uploads.get(fuzzed)!)
  }
  const { headers } = signRequest({
    method: call.method,
    url: fuzzed.at.objects + target,
    headers: {
      'content-length': String(body.length),
      'content-md5': createHash('md5').update(body).digest('base64'),
    },
    payload: createHash('sha256').update(body).digest('hex'),
    credentials: keys.alice,
    region: 'us-east-1',
    now: new Date(),
  })
  const answer = await fuzzed.probe('objects', { method: call.method, bytes: wire(call.method, target, headers, body) })
  if (answer?.status !== 200) return
  if (call.target.includes('UPLOAD')) uploads.delete(fuzzed)
  // What was accepted must be answerable again.
  for (const path of ['/alice-1?cors', '/alice-1/k?tagging', '/alice-1?acl'])
    await fuzzed.send('objects', await signedGet(fuzzed, path))
}

async function signedGet(fuzzed: FuzzHarness, target: string) {
  const { headers } = signRequest({
    method: 'GET',
    url: fuzzed.at.objects + target,
    headers: { origin: 'https://a' },
    payload: createHash('sha256').update('').digest('hex'),
    credentials: keys.alice,
    region: 'us-east-1',
    now: new Date(),
  })
  return { method: 'GET', bytes: wire('GET', target, headers) }
}

export const documentFuzz = [fuzz('XML bodies', 300, () => inputs, check)]
