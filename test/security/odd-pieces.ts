/** The pieces of malformed requests. */
const words = (text: string): string[] => text.trim().split(/\s+/)

export const methods = words('GET HEAD PUT POST DELETE PATCH OPTIONS')

/** Values of parameters and parts of paths, as they stand on the wire. */
export const pieces = [
  '',
  'x'.repeat(1500),
  ...words(`
    0 1 -1 1e9 99999999999999999999 %00 %01 %EF%BF%BF %0d%0aX:y %2e%2e %2F %zz %C3 %E2%80%AE __proto__ constructor
    * ' " null url true k + ;`),
]

export const paths = words(`
  / /alice-1 /alice-1/ /alice-1/k /alice-1/new /postern /postern/public/p /nothing-1/k // /alice-1// /alice-1/a%2Fb
  /alice-1%2Fk /%61lice-1/k /alice-1/%EF%BF%BE /A /postern/public/`)

export const parameters = words(`
  uploads uploadId partNumber cors acl location versioning versions list-type delete tagging attributes versionId prefix
  delimiter marker max-keys start-after encoding-type continuation-token key-marker upload-id-marker max-uploads
  max-parts part-number-marker max-buckets response-content-type response-content-disposition x-id policy limit cursor q
  disposition expiresIn a[]`)

export const headerNames = words(`
  range if-match if-none-match if-modified-since if-range content-type content-md5 expires content-encoding
  content-disposition cache-control origin access-control-request-method cookie x-amz-acl x-amz-copy-source
  x-amz-copy-source-range x-amz-metadata-directive x-amz-tagging x-amz-meta-a x-amz-meta-__proto__
  x-amz-checksum-crc32 x-amz-checksum-type x-amz-trailer x-amz-decoded-content-length x-amz-object-attributes
  x-amz-mp-object-size x-amz-storage-class expect transfer-encoding upgrade connection te forwarded x-forwarded-for
  accept-encoding`)

export const headerValues = [
  '',
  '"a", W/"b"',
  'Thu, 01 Jan 1970 00:00:00 GMT',
  'close, upgrade',
  'a\tb',
  'é\x80',
  ...words(`
    * "*" bytes=0-1 bytes=5- bytes=-1 bytes=0-0,2-3 275761-01-01 private public-read REPLACE /alice-1/k
    alice-1/k?versionId=null %zz a=b&a=c AAAAAA== CRC32 COMPOSITE 0 5 -1 18446744073709551616 ETag,ObjectParts null
    https://evil.example PUT chunked 100-continue websocket aws-chunked`),
]

export const documents = [
  '',
  '<Delete><Object><Key>k2</Key></Object></Delete>',
  '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>',
  '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>',
  '<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>',
  '<CreateBucketConfiguration><LocationConstraint>us-east-1</LocationConstraint></CreateBucketConfiguration>',
  '<AccessControlPolicy><AccessControlList><Grant/></AccessControlList></AccessControlPolicy>',
]

/** What is put into documents. */
export const oddities = [
  '\0',
  '\r\n',
  '\uffff',
  '\u{1f4be}',
  ...words('< > &#0; &amp; ]]> <![CDATA[ -- <__proto__/> €'),
]

/** What is put into requests, anywhere. */
export const splinters = ['', '\r\n', '\0', ' ', ':', '%', '&', '=', '?', '/', '\n', '"', '{', '<']

export const fieldNames = words(`
  filename fileName mimeType size checksum visibility method expiresIn metadata autoConfirm id key partNumbers parts
  partSize owner toString`)

export const fieldValues: unknown[] = [
  ...pieces,
  ...words('a.txt text/plain image/png public POST uploads/../x'),
  '\0',
  '\ud800',
  'x'.repeat(5000),
  0,
  -1,
  5,
  600,
  1e308,
  1.5,
  2 ** 53,
  null,
  true,
  [],
  {},
  [1, 2, 10_000],
  Array.from({ length: 1001 }, () => 1),
  { algorithm: 'sha256', value: 'x' },
  { a: 'b' },
  { ['k'.repeat(129)]: 'v' },
  [{ partNumber: 1, etag: 'x' }],
]
