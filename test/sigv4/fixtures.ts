/** Keys, a clock, and requests as a server sees them. */
import { createSecretKey } from 'node:crypto'
import { expect } from 'vitest'
import { presign, type PresignOptions } from '../../src/sigv4/presign.ts'
import { signRequest, toRawHeaders, type SignRequestOptions } from '../../src/sigv4/sign-request.ts'
import {
  SignatureError,
  type KeyRing,
  type RawRequest,
  type SignatureErrorCode,
  type VerifyOptions,
} from '../../src/sigv4/types.ts'
import { verifyRequest } from '../../src/sigv4/verify-request.ts'

export const credentials = {
  accessKeyId: 'TESTACCESSKEY0000001',
  secretAccessKey: 'test-secret-0123456789-abcdefghijklmnop',
}
export const temporary = {
  accessKeyId: 'TESTTEMPORARY0000001',
  secretAccessKey: 'test-secret-of-a-session-0123456789-abc',
  sessionToken: 'session/token+with=signs',
}
export const now = new Date('2026-03-04T05:06:07.890Z')

export function keyRing(...keys: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }[]): KeyRing {
  const known = new Map(
    keys.map(({ accessKeyId, secretAccessKey, sessionToken }) => [
      accessKeyId,
      {
        secret: createSecretKey(Buffer.from(secretAccessKey)),
        owner: `owner of ${accessKeyId}`,
        ...(sessionToken === undefined ? {} : { sessionToken }),
      },
    ]),
  )
  return { find: (accessKeyId) => known.get(accessKeyId) }
}

export const options: VerifyOptions = { region: 'us-east-1', service: 's3', keys: keyRing(credentials, temporary), now }

type Headers = Record<string, string | readonly string[]>

/** What arrives when `url` is requested: its target untouched, its host in the Host header. */
export function arrives(method: string, from: string, headers: Headers = {}): RawRequest {
  const [, host, target] = /^https?:\/\/([^/?#]+)(.*)$/s.exec(from)!
  return {
    method,
    target: target === '' ? '/' : target!,
    rawHeaders: toRawHeaders({ host: host!, ...headers }),
    pathPrefix: '',
  }
}

/** What the tests presign, where they say nothing else. */
export const presigning: PresignOptions = {
  method: 'GET',
  endpoint: 'http://127.0.0.1:4001',
  bucket: 'postern',
  key: 'uploads/photo.jpg',
  pathStyle: true,
  credentials,
  region: 'us-east-1',
  expiresIn: 600,
  now,
}

export const url = (o: Partial<PresignOptions> = {}): string => presign({ ...presigning, ...o }).url

/** A request with an Authorization header, as it arrives. */
export function signedRequest(o: Partial<SignRequestOptions> = {}): RawRequest {
  const request: SignRequestOptions = {
    method: 'PUT',
    url: 'http://127.0.0.1:4001/postern/uploads/photo.jpg',
    payload: 'UNSIGNED-PAYLOAD',
    credentials,
    region: 'us-east-1',
    now,
    ...o,
  }
  return arrives(request.method, request.url, signRequest(request).headers)
}

/** Replaces, adds (or with null removes) parameters of a URL, everything else untouched. */
export function withParameters(from: string, changes: Record<string, string | null>): string {
  const [base, query = ''] = from.split('?', 2) as [string, string?]
  const pairs = query.split('&').filter((pair) => !Object.hasOwn(changes, pair.split('=')[0]!))
  for (const [name, value] of Object.entries(changes)) if (value !== null) pairs.push(`${name}=${value}`)
  return `${base}?${pairs.join('&')}`
}

export function refusal(run: () => unknown): SignatureError {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(SignatureError)
    return error as SignatureError
  }
  throw new Error('the request was accepted')
}

export function expectRefused(
  request: RawRequest,
  code: SignatureErrorCode,
  o: Partial<VerifyOptions> = {},
): SignatureError {
  const error = refusal(() => verifyRequest(request, { ...options, ...o }))
  expect(error.code).toBe(code)
  return error
}
