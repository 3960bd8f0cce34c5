/** What an object will bear: in the gateway's bucket that is not for the sender of the bytes to choose. */
import { SignatureError } from '../sigv4/types.ts'
import type { CannedAcl, ObjectHeaders, ObjectRef } from '../drivers/driver.ts'
import type { OperationDeps, S3Context } from './context.ts'
import { readAcl, readObjectHeaders, readTagging } from './object-headers.ts'
import { checkAclOfWrite } from './object-ownership.ts'

export type WrittenHeaders = ObjectHeaders & { acl?: CannedAcl; tags?: Record<string, string> }
export type Admitted = { headers: WrittenHeaders; maxBytes: number; isGranted: boolean }

/**
 * Headers, ACL and tags of an object as its writer sent them. An object that the API granted an upload for gets those
 * of its record instead, and at most the granted bytes. Errors: AccessDenied for a content coding that nobody signed.
 */
export async function admitWrite(ctx: S3Context, ref: ObjectRef, deps: OperationDeps): Promise<Admitted> {
  const { headers } = ctx
  const said = readObjectHeaders(headers)
  await checkAclOfWrite(headers, ref.bucket, deps)
  if (ref.bucket === deps.gatewayBucket) refuseUnsignedEncoding(ctx, said)
  return admit(ref, { ...said, ...readAcl(headers), ...readTagging(headers) }, deps)
}

/** The same for headers that the caller has read, of a request that signed all of them. */
export async function admit(ref: ObjectRef, said: WrittenHeaders, deps: OperationDeps): Promise<Admitted> {
  const granted = ref.bucket === deps.gatewayBucket ? await deps.grantedWrite?.(ref) : null
  return granted ? { ...granted, isGranted: true } : { headers: said, maxBytes: Infinity, isGranted: false }
}

/**
 * The bytes of a content coding are others than those that the reader's browser makes of them. Whoever holds an upload
 * URL may not add one. Access keys' owners have buckets of their own, where it is stored as sent.
 */
function refuseUnsignedEncoding({ verified }: S3Context, { contentEncoding }: ObjectHeaders): void {
  if (contentEncoding === undefined || verified?.signedHeaders.has('content-encoding') === true) return
  throw new SignatureError('AccessDenied', 'There were headers present in the request which were not signed', {
    HeadersNotSigned: 'content-encoding',
  })
}
