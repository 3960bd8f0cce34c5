/** Faults of a store or of the network to it, one per row: how the test injects it, and what doctor reports. */
import type { StoreTarget } from '../../src/doctor/bucket/store-probe.ts'
import { bucket, origin, owner, refusal, takeBlindly, type Fault, type FaultyStore } from './faulty-store.ts'

const isObjectPut = ({ method, key, query }: { method: string; key: string; query: URLSearchParams }): boolean =>
  method === 'PUT' && key !== '' && !query.has('uploadId')
const reads = new Set(['GET', 'HEAD', 'OPTIONS'])
const minutesOff = (minutes: number) => () => new Date(Date.now() + minutes * 60_000)
export const session = { ...owner, sessionToken: 'a-session-token' }

export type Case = {
  fault: string
  target?: Partial<StoreTarget>
  plant?: Fault
  /** The one check that fails. */
  fails: string
  message: RegExp
  fix: RegExp
  /** Other checks that fail with it. */
  others?: string[]
}

export const cases: Case[] = [
  {
    fault: 'a wrong region',
    target: { region: 'eu-central-1' },
    fails: 'region',
    message: /region us-east-1, but requests are signed for eu-central-1/,
    fix: /storage\.s3\.region: us-east-1/,
  },
  {
    fault: 'a clock 20 minutes behind',
    target: { now: minutesOff(-20) },
    fails: 'clock',
    message: /(20 min|20 min 1 s|19 min 59 s) behind the store's/,
    fix: /NTP/,
  },
  {
    fault: 'a clock 20 minutes ahead',
    target: { now: minutesOff(20) },
    fails: 'clock',
    message: /(20 min|20 min 1 s|19 min 59 s) ahead of the store's/,
    fix: /NTP/,
  },
  {
    fault: 'a wrong secret',
    target: { credentials: { ...owner, secretAccessKey: 'x'.repeat(36) } },
    fails: 'credentials',
    message: /SignatureDoesNotMatch/,
    fix: /storage\.s3\.secretAccessKey/,
  },
  {
    fault: 'an unknown key',
    target: { credentials: { ...owner, accessKeyId: 'AKIANOBODYNOBODY0001' } },
    fails: 'credentials',
    message: /InvalidAccessKeyId/,
    fix: /storage\.s3\.accessKeyId/,
  },
  {
    fault: 'an expired session',
    target: { credentials: session, expiration: new Date(Date.now() - 60_000) },
    plant: { answer: ({ headers }) => (headers['x-amz-security-token'] ? refusal(400, 'ExpiredToken') : null) },
    fails: 'credentials',
    message: /have expired/,
    fix: /AWS_SESSION_TOKEN/,
    others: ['session'],
  },
  {
    fault: 'a missing bucket',
    target: { bucket: 'nobodys-bucket' },
    fails: 'bucket',
    message: /no bucket nobodys-bucket/,
    fix: /aws s3 mb s3:\/\/nobodys-bucket/,
  },
  {
    fault: 'a read-only key',
    plant: { answer: ({ method }) => (reads.has(method) ? null : refusal(403, 'AccessDenied')) },
    fails: 'put',
    message: /403 AccessDenied/,
    fix: /s3:PutObject/,
  },
  {
    fault: 'a full store',
    plant: { answer: (asked) => (isObjectPut(asked) ? refusal(507, 'InsufficientStorage') : null) },
    fails: 'put',
    message: /507/,
    fix: /Free some space/,
  },
  {
    fault: 'a key without permission to list',
    plant: { answer: ({ query }) => (query.has('list-type') ? refusal(403, 'AccessDenied') : null) },
    fails: 'list',
    message: /403 AccessDenied/,
    fix: /s3:ListBucket/,
  },
  {
    fault: 'a key without permission to delete',
    plant: {
      answer: ({ method, query }) =>
        method === 'DELETE' && !query.has('uploadId') ? refusal(403, 'AccessDenied') : null,
    },
    fails: 'delete',
    message: /Expired objects stay/,
    fix: /s3:DeleteObject/,
  },
  {
    fault: 'a key without permission to abort uploads',
    plant: {
      answer: ({ method, query }) =>
        method === 'DELETE' && query.has('uploadId') ? refusal(403, 'AccessDenied') : null,
    },
    fails: 'multipart',
    message: /when an upload is aborted/,
    fix: /s3:AbortMultipartUpload/,
  },
  {
    fault: 'a proxy that drops Range',
    plant: {
      answer: async ({ headers, key }, store) =>
        headers.range === undefined
          ? null
          : { status: 200, body: Buffer.concat(await (await store.getObject({ bucket, key })).stream().toArray()) },
    },
    fails: 'range',
    message: /200 and 43 bytes/,
    fix: /Range/,
  },
  {
    fault: 'an internal publicEndpoint',
    target: { publicEndpoint: 'http://minio:9000' },
    fails: 'public-endpoint',
    message: /URLs name minio/,
    fix: /storage\.s3\.publicEndpoint/,
    others: ['presign'],
  },
  {
    fault: 'a private publicEndpoint for pages on the Internet',
    target: { origins: [origin] },
    fails: 'public-endpoint',
    message: /127\.0\.0\.1, which a browser at https:\/\/app\.example\.com cannot reach/,
    fix: /storage\.s3\.publicEndpoint/,
  },
  {
    fault: 'a proxy that rewrites Host',
    plant: { host: 'internal-store:9000' },
    fails: 'credentials',
    message: /127\.0\.0\.1:\d+ was sent, internal-store:9000 arrived/,
    fix: /proxy_set_header Host/,
  },
  {
    fault: 'a store that ignores checksums',
    plant: {
      answer: (asked, store) =>
        asked.headers['x-amz-checksum-sha256'] && isObjectPut(asked) ? takeBlindly(asked, store) : null,
    },
    fails: 'checksum',
    message: /does not match its signed checksum/,
    fix: /storage\.s3\.provider/,
  },
  {
    fault: 'a store that ignores If-None-Match',
    plant: {
      answer: (asked, store) =>
        asked.headers['if-none-match'] && isObjectPut(asked) ? takeBlindly(asked, store) : null,
    },
    fails: 'if-none-match',
    message: /200 instead of 412/,
    fix: /storage\.s3\.provider/,
  },
  {
    fault: 'a store that accepts an unsigned copy source',
    plant: { answer: obeyCopySource },
    fails: 'copy-source',
    message: /CVE-2026-54330/,
    fix: /proxy_set_header x-amz-copy-source|delivery: proxied/,
  },
  {
    fault: 'a store without form uploads',
    plant: {
      answer: ({ method, query }) => (method === 'POST' && query.size === 0 ? refusal(405, 'MethodNotAllowed') : null),
    },
    fails: 'post',
    message: /405 MethodNotAllowed/,
    fix: /with PUT/,
  },
  {
    fault: 'a store that ignores the size limit of a form',
    plant: { answer: ({ method, query }) => (method === 'POST' && query.size === 0 ? { status: 204 } : null) },
    fails: 'post',
    message: /beyond its content-length-range/,
    fix: /provider: other/,
  },
]

/** As Ceph 16 does. */
async function obeyCopySource(asked: Parameters<NonNullable<Fault['answer']>>[0], store: FaultyStore['store']) {
  const source = asked.headers['x-amz-copy-source']
  if (typeof source !== 'string' || !isObjectPut(asked)) return null
  const key = decodeURIComponent(source.slice(`/${bucket}/`.length))
  await store.copyObject({ bucket, key }, { bucket, key: asked.key })
  return { status: 200, body: '<CopyObjectResult/>' }
}
