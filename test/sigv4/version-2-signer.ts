/** Signs with version 2 like botocore (HmacV1QueryAuth, HmacV1PostAuth), independent of Postern's code. */
import { createHmac } from 'node:crypto'

type Credentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string }

export type Version2Options = {
  method: string
  /** With a path prefix, if any. */
  endpoint: string
  bucket: string
  /** Empty: the bucket. */
  key: string
  /** Sub-resources and response overrides; null for a name alone. */
  query?: Readonly<Record<string, string | null>>
  /** Signed, and not sent where they may stand in the query. */
  headers?: Readonly<Record<string, string>>
  /** Whether headers are written into the query. */
  hoist?: boolean
  /** `https://bucket.host/key`. */
  virtualHost?: boolean
  credentials: Credentials
  expiresIn: number
  now: Date
}

const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
const path = (key: string): string => key.split('/').map(encoded).join('/')

const sign = (secret: string, text: string): string => createHmac('sha1', secret).update(text).digest('base64')

/** An absolute URL. */
export function presignVersion2(o: Version2Options): string {
  const { accessKeyId, secretAccessKey, sessionToken } = o.credentials
  const headers: Record<string, string> = {
    ...o.headers,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
  }
  const expires = String(Math.floor(o.now.getTime() / 1000) + o.expiresIn)
  const resources = Object.entries(o.query ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const subResources = resources.map(([name, value]) => (value === null ? name : `${name}=${value}`)).join('&')
  const amz = Object.entries(headers)
    .filter(([name]) => name.toLowerCase().startsWith('x-amz-'))
    .map(([name, value]) => `${name.toLowerCase()}:${value}\n`)
    .toSorted()
  const text = [
    o.method,
    headers['content-md5'] ?? '',
    headers['content-type'] ?? '',
    expires,
    `${amz.join('')}/${o.bucket}/${path(o.key)}${subResources === '' ? '' : `?${subResources}`}`,
  ].join('\n')
  const pairs = [
    ...resources.map(([name, value]) => (value === null ? name : `${name}=${encoded(value)}`)),
    `AWSAccessKeyId=${encoded(accessKeyId)}`,
    `Signature=${encoded(sign(secretAccessKey, text))}`,
    ...(o.hoist === false ? [] : Object.entries(headers).map(([name, value]) => `${name}=${encoded(value)}`)),
    `Expires=${expires}`,
  ]
  const [, scheme, host, prefix] = /^(https?:\/\/)([^/]+)(.*)$/.exec(o.endpoint)!
  const at =
    o.virtualHost === true
      ? `${scheme}${o.bucket}.${host}${prefix}/${path(o.key)}`
      : `${o.endpoint}/${o.bucket}${o.key === '' ? '' : `/${path(o.key)}`}`
  return `${at}?${pairs.join('&')}`
}

export type Version2Form = {
  key: string
  bucket: string
  fields?: Readonly<Record<string, string>>
  conditions?: readonly unknown[]
  credentials: Credentials
  expiresIn: number
  now: Date
}

/** The fields of a form, the file aside. */
export function formVersion2(o: Version2Form): Record<string, string> {
  const policy = Buffer.from(
    JSON.stringify({
      expiration: new Date(o.now.getTime() + o.expiresIn * 1000).toISOString(),
      conditions: [
        { bucket: o.bucket },
        { key: o.key },
        ...Object.entries(o.fields ?? {}).map(([name, value]) => ({ [name]: value })),
        ...(o.conditions ?? []),
      ],
    }),
  ).toString('base64')
  const { accessKeyId, secretAccessKey } = o.credentials
  return { key: o.key, AWSAccessKeyId: accessKeyId, ...o.fields, policy, signature: sign(secretAccessKey, policy) }
}
