/** Kinds of faults, one per row: how the URL was used, and the explanation. */
import type { DifferenceCode } from '../../src/explain/explanation.ts'
import { credentials, headers, later, signed, type Sent } from './signed-put.ts'

export type Case = {
  what: string
  sent: Sent
  code: DifferenceCode
  name?: string
  was?: string | null
  is?: string | null
  advice?: RegExp
  also?: DifferenceCode[]
}

export const get = (o = {}): string => signed({ method: 'GET', headers: {}, ...o })
export const asGet = { method: 'GET', headers: {} }

export const cases: Case[] = [
  {
    what: 'another method',
    sent: { method: 'POST' },
    code: 'MethodChanged',
    was: 'PUT',
    is: 'POST',
    advice: /with PUT instead of a form/,
  },
  {
    what: 'HEAD of a GET URL',
    sent: { url: get(), method: 'HEAD', headers: {} },
    code: 'MethodChanged',
    was: 'GET',
    advice: /headUrl/,
  },
  {
    what: 'another type',
    sent: { headers: { 'content-type': 'text/plain' } },
    code: 'HeaderChanged',
    name: 'content-type',
    was: 'image/jpeg',
    is: 'text/plain',
    advice: /Send exactly/,
  },
  {
    what: 'a type with a charset',
    sent: {
      url: signed({ headers: { 'content-type': 'text/markdown' } }),
      headers: { 'content-type': 'text/markdown;charset=UTF-8' },
    },
    code: 'HeaderChanged',
    was: 'text/markdown',
  },
  { what: 'no type', sent: { headers: {} }, code: 'HeaderMissing', name: 'content-type', was: 'image/jpeg', is: null },
  {
    what: 'no checksum',
    sent: { url: signed({ headers: { 'x-amz-checksum-sha256': 'abc=' } }), headers: {} },
    code: 'HeaderMissing',
    name: 'x-amz-checksum-sha256',
    was: null,
  },
  {
    what: 'another length',
    sent: {
      url: signed({ headers: { ...headers, 'content-length': '5' } }),
      headers: { ...headers, 'content-length': '6' },
    },
    code: 'NoOriginalFound',
    name: 'content-length',
    advice: /Start with content-length \(sent as "6"\), content-type/,
  },
  {
    what: 'the Host of an internal machine',
    sent: { headers: { ...headers, host: '10.0.0.7:4001' } },
    code: 'HostChanged',
    name: 'host',
    was: 'files.example.com:4001',
    is: '10.0.0.7:4001',
    advice: /proxy_set_header Host/,
  },
  {
    what: 'a Host in X-Forwarded-Host',
    sent: {
      url: signed({ endpoint: 'https://cdn.example.net/objects' }),
      headers: { ...headers, host: 'app', 'x-forwarded-host': 'cdn.example.net' },
    },
    code: 'HostChanged',
    was: 'cdn.example.net',
    is: 'app',
  },
  {
    what: 'a missing port',
    sent: { headers: { ...headers, host: 'files.example.com' } },
    code: 'HostChanged',
    advice: /port/,
  },
  {
    what: '+ for a space, next to a real plus',
    sent: { url: signed().replace('a%20b', 'a+b') },
    code: 'PathChanged',
    was: '/objects/bucket/a%20b/c%2Bd%27.jpg',
    advice: /%20/,
  },
  {
    what: 'a path that is encoded twice',
    sent: { url: signed().replace('a%20b', 'a%2520b') },
    code: 'PathChanged',
    advice: /encoded twice/,
  },
  {
    what: 'a slash that a proxy has merged',
    sent: { url: signed({ key: '/a.jpg' }).replace('bucket//', 'bucket/') },
    code: 'PathChanged',
    advice: /merge_slashes off/,
  },
  {
    what: 'a key in another case',
    sent: { url: signed({ key: 'photo.jpg' }).replace('photo', 'PHOTO') },
    code: 'PathChanged',
    advice: /case/,
  },
  {
    what: 'the path prefix added by a proxy',
    sent: { url: signed({ endpoint: 'http://files.example.com:4001' }).replace(':4001', ':4001/objects') },
    code: 'PathChanged',
    advice: /prefix/,
  },
  {
    what: 'an appended disposition',
    sent: { url: `${get()}&response-content-disposition=attachment`, ...asGet },
    code: 'ParameterAdded',
    name: 'response-content-disposition',
    is: 'attachment',
    advice: /disposition/,
  },
  {
    what: 'appended tracking parameters',
    sent: { url: `${get()}&utm_source=x&utm_medium=y`, ...asGet },
    code: 'ParameterAdded',
    name: 'utm_medium, utm_source',
  },
  {
    what: 'a removed x-id',
    sent: { url: signed().replace('&x-id=PutObject', '') },
    code: 'ParameterRemoved',
    name: 'x-id',
    was: 'PutObject',
    is: null,
  },
  {
    what: 'a value with + for a space',
    sent: {
      url: get({ query: { 'response-content-disposition': 'attachment; filename="a+b"' } }).replace('%3B%20', '%3B+'),
      ...asGet,
    },
    code: 'ParameterChanged',
    name: 'response-content-disposition',
    advice: /%20/,
  },
  {
    what: 'an extended expiry',
    sent: { url: signed().replace('Expires=600', 'Expires=86400') },
    code: 'ParameterChanged',
    name: 'X-Amz-Expires',
    was: '600',
    is: '86400',
  },
  {
    what: 'another method and another type',
    sent: {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      url: signed({ headers: { 'content-type': 'application/pdf' } }),
    },
    code: 'MethodChanged',
    also: ['HeaderChanged'],
  },
  { what: 'an expired URL', sent: { now: later(660) }, code: 'Expired', advice: /fresh URL/ },
  {
    what: 'an expired URL with another method',
    sent: { now: later(660), method: 'DELETE' },
    code: 'Expired',
    also: ['MethodChanged'],
  },
  { what: 'a clock ahead', sent: { now: later(-1200) }, code: 'NotYetValid', advice: /NTP/ },
  {
    what: 'another region',
    sent: { url: signed({ region: 'eu-west-1' }) },
    code: 'WrongRegion',
    was: 'eu-west-1',
    is: 'us-east-1',
    advice: /region to us-east-1/,
  },
  {
    what: 'an unsigned x-amz- header',
    sent: { headers: { ...headers, 'x-amz-copy-source': '/bucket/other' } },
    code: 'HeaderNotSigned',
    name: 'x-amz-copy-source',
    advice: /Leave it out/,
  },
  {
    what: 'a header that is also in the URL',
    sent: { url: signed({ query: { 'x-amz-meta-a': 'b' } }), headers: { ...headers, 'x-amz-meta-a': 'b' } },
    code: 'HeaderNotSigned',
    name: 'x-amz-meta-a',
    advice: /already in the URL/,
  },
  {
    what: 'too many parameters',
    sent: { url: signed({ query: Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`a${at}`, 'b'])) }) },
    code: 'Malformed',
    name: 'query',
    advice: /fewer/,
  },
  {
    what: 'an unknown key',
    sent: { url: signed({ credentials: { ...credentials, accessKeyId: 'AKIANOBODYNOBODY0001' } }) },
    code: 'UnknownKey',
    is: 'AKIANOBODYNOBODY0001',
    advice: /keys list/,
  },
  {
    what: 'another secret',
    sent: { url: signed({ credentials: { ...credentials, secretAccessKey: 'x'.repeat(40) }, headers: {} }) },
    code: 'NoOriginalFound',
    advice: /secret/,
  },
  {
    what: 'a security token that was never issued',
    sent: { url: signed({ credentials: { ...credentials, sessionToken: 'made-up-token' } }) },
    code: 'WrongToken',
  },
  {
    what: '&amp; copied from the source of a page',
    sent: { url: signed().replaceAll('&', '&amp;') },
    code: 'Malformed',
    advice: /with "&"/,
  },
  { what: 'a URL cut by the shell', sent: { url: signed().split('&')[0]! }, code: 'Malformed', advice: /quote it/ },
  {
    what: 'a credential that is encoded twice',
    sent: { url: signed().replaceAll('%2F', '%252F') },
    code: 'Malformed',
    name: 'X-Amz-Credential',
    advice: /without encoding it again/,
  },
  { what: 'no signature', sent: { url: 'http://files.example.com:4001/objects/bucket/a' }, code: 'NotSigned' },
]
