import { allowedOrigin } from '../../http/cors.ts'
import { StorageError } from '../../errors.ts'
import { checkContentLength, checkPolicyField, verifyPostPolicy, type VerifiedPolicy } from '../../sigv4/post-policy.ts'
import type { BodyExpectation, WrittenObject } from '../../drivers/driver.ts'
import { readAcl } from '../acl/requested-acl.ts'
import { answerEmpty, answerText, quoted, setHeaders } from '../answer.ts'
import { acceptsVersion2, principalOf, refuseVersion2OfGateway } from '../authenticate.ts'
import { bucketOf, runWrite, type Operation, type OperationDeps, type S3Context } from '../context.ts'
import { readBoundary, readForm, type Form } from '../form-parser.ts'
import { locationOf } from '../multipart.ts'
import { maxObjectBytes } from '../object-body.ts'
import { isHeaderName, readChecksum, readObjectHeaders, refuseUnsupportedHeaders } from '../object-headers.ts'
import { S3Error } from '../s3-error.ts'
import { assertKey } from '../target.ts'
import { readTagSet } from '../tag-set.ts'
import { admit, type SaidHeaders } from '../written-headers.ts'
import { settleWritten } from '../written.ts'
import { xmlDocument } from '../xml.ts'

/**
 * A form upload. The signature covers the policy in the form, which is checked before the file is read.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 */
export const postObject: Operation = async (ctx, deps) => {
  const bucket = bucketOf(ctx)
  const boundary = readBoundary(ctx.headers.get('content-type'))
  if (!ctx.headers.has('content-length')) throw new StorageError('MissingContentLength')
  const { fields, file } = await readForm(ctx.req, boundary)
  const policy = verifyPostPolicy(fields, {
    region: deps.region,
    keys: deps.keys,
    now: deps.now(),
    bucket,
    version2: { accepted: () => acceptsVersion2(ctx.req, deps) },
  })
  refuseVersion2OfGateway(policy, deps)
  ctx.principal = principalOf(policy.owner, deps.gatewayOwner)
  const form = lowerCase(fields)
  const ref = { bucket, key: readKey(form, file, policy) }
  // A bucket policy's conditions on headers of a PUT apply to the fields of a form.
  const sent = asHeaders(form)
  const requestTags = async (): Promise<Record<string, string>> => readOptions(form, sent).headers.tags ?? {}
  // Forms cannot copy, so fields with the names of copy headers must not satisfy conditions on copies.
  const headers = new Map(
    [...sent].filter(([name]) => !['x-amz-copy-source', 'x-amz-metadata-directive'].includes(name)),
  )
  const who = { ...ctx, headers, requestTags, form: { version: policy.version } }
  const allowed = await deps.access.allow(who, 's3:PutObject', ref)
  const said = readOptions(form, sent)
  // The policy covers every field, so there is no unsigned content encoding.
  const admitted = await admit(who, ref, said.headers, deps, allowed)
  if (file === null) throw noFile()
  const range = policy.contentLengthRange ?? { min: 0, max: Infinity }
  const written = await runWrite(deps, ref, null, (running) =>
    deps.store.putObject(
      ref,
      file.open((size) => checkContentLength(range, size)),
      {
        ...admitted.headers,
        ...said.expect,
        ...running,
        maxBytes: Math.min(maxObjectBytes(bucket, deps), range.max, admitted.maxBytes),
      },
    ),
  )
  await settleWritten(ref, deps)
  answerForm(ctx, deps, form, ref, written)
}

const noFile = (): StorageError =>
  new StorageError('InvalidArgument', { message: 'POST requires exactly one file upload per request.' })

const lowerCase = (fields: Form['fields']): ReadonlyMap<string, string> =>
  new Map([...fields].map(([name, value]) => [name.toLowerCase(), value]))

/** `${filename}` is replaced by the file's name. The policy must allow the resulting key. */
function readKey(form: ReadonlyMap<string, string>, file: Form['file'], policy: VerifiedPolicy): string {
  const template = form.get('key')
  if (template === undefined || template === '') {
    throw new StorageError('InvalidArgument', {
      message:
        "Bucket POST must contain a field named 'key'. If it is specified, please check the order of the fields.",
      details: { ArgumentName: 'key' },
    })
  }
  const key = template.replaceAll('${filename}', () => file?.name ?? '')
  if (key === '') throw new StorageError('InvalidArgument', { message: 'A key cannot be empty.' })
  assertKey(key)
  if (/^\/+$/.test(key)) throw new S3Error('InvalidURI', 'The key of a form cannot consist of slashes only.')
  if (key !== template) checkPolicyField(policy.conditions, 'key', key)
  return key
}

// Characters that a header can carry, because the values become headers when the object is read.
const headerText = /^[\t\x20-\x7e\x80-\xff]*$/

/** Fields about the object, as the headers of a PUT would be. */
function asHeaders(form: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (const [name, value] of form) {
    if (!/^(acl$|cache-control$|content-|expires$|x-amz-)/.test(name)) continue
    const bytes = Buffer.from(value, 'utf8').toString('latin1')
    if (!isHeaderName(name) || !headerText.test(bytes)) {
      throw new StorageError('InvalidArgument', {
        message: 'A form field contains characters that a header cannot carry.',
        details: { ArgumentName: name.replace(/[^\w-]/g, '') },
      })
    }
    headers.set(name === 'acl' ? 'x-amz-acl' : name, bytes)
  }
  return headers
}

function readOptions(
  form: ReadonlyMap<string, string>,
  headers: ReadonlyMap<string, string>,
): { headers: SaidHeaders; expect: BodyExpectation } {
  refuseUnsupportedHeaders(headers)
  const checksum = readChecksum(headers)
  const tagging = form.get('tagging')
  const acl = readAcl(headers)
  return {
    headers: {
      ...readObjectHeaders(headers),
      ...(acl && { acl }),
      ...(tagging !== undefined && { tags: readTagSet(Buffer.from(tagging)) }),
    },
    expect: checksum ? { checksum: { algorithm: checksum.algorithm, value: checksum.value } } : {},
  }
}

function answerForm(
  ctx: S3Context,
  deps: OperationDeps,
  form: ReadonlyMap<string, string>,
  ref: { bucket: string; key: string },
  written: WrittenObject,
): void {
  const location = locationOf(ref.bucket, ref.key, deps)
  const etag = quoted(written.etag)
  setHeaders(ctx, { 'x-amz-version-id': written.versionId })
  const redirect = redirectOf(form.get('success_action_redirect') ?? form.get('redirect'), deps)
  if (redirect !== null) {
    for (const [name, value] of Object.entries({ ...ref, etag })) redirect.searchParams.set(name, value)
    answerEmpty(ctx, 303, { location: redirect.href, etag })
    return
  }
  setHeaders(ctx, { location, etag })
  const status = form.get('success_action_status')
  if (status === '201') {
    const document = xmlDocument(
      'PostResponse',
      [
        ['Location', location],
        ['Bucket', ref.bucket],
        ['Key', ref.key],
        ['ETag', etag],
      ],
      { namespace: false },
    )
    answerText(ctx, 201, 'application/xml', document)
    return
  }
  answerEmpty(ctx, status === '200' ? 200 : 204)
}

/** Redirects only to origins that may use this endpoint. Other redirects are ignored. */
function redirectOf(text: string | undefined, deps: OperationDeps): URL | null {
  if (text === undefined || !/^https?:\/\//i.test(text) || !URL.canParse(text)) return null
  const url = new URL(text)
  return allowedOrigin(deps.corsOrigins(), url.origin) === null ? null : url
}
