/** URLs of this process's objects endpoint, in the same form as those of a bucket. */
import { encodePath } from '../../sigv4/encode.ts'
import { presign } from '../../sigv4/presign.ts'
import type { SigningCredentials } from '../../sigv4/types.ts'
import type { ObjectRef, Presigner, SignedRequest } from '../driver.ts'
import {
  downloadRequest,
  headRequest,
  signAsAsked,
  uploadPartRequest,
  uploadRequest,
  type RequestToSign,
} from '../presign-requests.ts'
import { assertExpiresIn, assertKey } from '../rules.ts'

export type PresignerOptions = {
  /** Base URL of the objects endpoint. May contain a path prefix. */
  publicUrl: () => string
  region: string
  /** A function is called for each presigning, because keys can be replaced while a server runs. */
  credentials: SigningCredentials | (() => SigningCredentials)
  now: () => Date
}

type Signer = {
  endpoint: string
  pathStyle: true
  credentials: SigningCredentials
  region: string
  now: Date
}

/** Errors: InvalidArgument if the request cannot be signed. */
export function signing<T>(o: PresignerOptions, sign: (by: Signer) => T): T {
  const endpoint = endpointOf(o)
  const credentials = typeof o.credentials === 'function' ? o.credentials() : o.credentials
  return signAsAsked(() => sign({ endpoint, pathStyle: true, credentials, region: o.region, now: o.now() }))
}

const endpointOf = (o: PresignerOptions): string => o.publicUrl().replace(/\/+$/, '')

export function createPresigner(o: PresignerOptions): Omit<Presigner, 'presignPost'> {
  function sign(ref: ObjectRef, request: RequestToSign, asked: { expiresIn: number; signedAt?: Date }): SignedRequest {
    const { expiresIn, signedAt } = asked
    assertKey(ref)
    assertExpiresIn(expiresIn)
    const signed = signing(o, (by) =>
      presign({ ...ref, ...request, ...by, expiresIn, ...(signedAt && { now: signedAt }) }),
    )
    return { method: request.method, expiresIn, ...signed }
  }

  return {
    presignUpload: async (ref, asked) => sign(ref, uploadRequest(asked), asked),
    presignUploadPart: async (ref, asked) => sign(ref, uploadPartRequest(asked), asked),
    presignDownload: async (ref, asked) => sign(ref, downloadRequest(asked), asked),
    presignHead: async (ref, asked) => sign(ref, headRequest(asked), asked),
    publicUrl: ({ bucket, key }) => `${endpointOf(o)}/${bucket}/${encodePath(key)}`,
  }
}
