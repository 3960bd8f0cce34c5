import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isLoopback } from '../../src/config/check-safety.ts'
import { weakness } from '../../src/config/weak-secret.ts'
import { makeFolder, type Folder } from './folder.ts'

let folder: Folder
beforeEach(() => {
  folder = makeFolder()
})
afterEach(() => folder.remove())

const good = 'kqX1mB7zD0pWcR5tVn2ykqX1mB7zD0pWcR5tVn2Z'

describe('off loopback', () => {
  const exposed = { 'server.listen': '0.0.0.0:4000' }

  it.each(['0.0.0.0:4000', '[::]:4000', '192.168.1.5:4000', ':4000'])(
    '%s asks for origins and a public URL',
    (listen) => {
      const problems = folder.problems({ flags: { 'server.listen': listen } }).join('\n')
      expect(problems).toContain('cors: { origins: ["https://app.example.com"] }')
      expect(problems).toContain('server: { publicUrl: "https://files.example.com" }')
    },
  )

  it('asks for the objects URL if that listener is exposed', () => {
    const flags = { 'objects.listen': '0.0.0.0:4001', 'cors.origins': 'https://app.example.com' }
    expect(folder.problems({ flags }).join('\n')).toContain('objects: { publicUrl: "https://objects.example.com" }')
    const shared = { ...exposed, ...flags, 'objects.listen': 'shared', 'server.publicUrl': 'https://files.example.com' }
    expect(folder.problems({ flags: shared }).join('\n')).toContain(
      'objects: { publicUrl: "https://files.example.com/objects" }',
    )
  })

  it('starts once both lines of the message are set', () => {
    folder.write(
      'config/local.yaml',
      [
        'server: { listen: "0.0.0.0:4000", publicUrl: "https://files.example.com" }',
        'objects: { listen: "0.0.0.0:4001", publicUrl: "https://objects.example.com" }',
        'cors: { origins: ["https://app.example.com"] }',
      ].join('\n'),
    )
    expect(folder.load().config.server.listen.host).toBe('0.0.0.0')
  })

  it('has no objects listener with the s3 driver', () => {
    const flags = {
      ...exposed,
      'server.publicUrl': 'https://files.example.com',
      'cors.origins': 'https://app.example.com',
      'objects.listen': '0.0.0.0:4001',
      'storage.driver': 's3',
    }
    expect(folder.load({ flags }).config.objects.publicUrl).toBe('auto')
  })

  it('refuses --dev', () => {
    const flags = { ...exposed, 'server.publicUrl': 'https://f.example.com', 'cors.origins': 'https://a.example.com' }
    expect(folder.problems({ flags, dev: true }).join()).toContain('development mode needs no credentials')
    expect(folder.load({ flags }).config.server.listen.port).toBe(4000)
  })

  it('is not 127.0.0.2, ::1 or localhost', () => {
    const near = ['127.0.0.1', '127.0.0.2', '::1', '[::1]', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1']
    const far = ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', 'localhost.example.com', '1127.0.0.1']
    expect([...near, ...far].filter(isLoopback)).toEqual(near)
  })

  it('behind a proxy gives a warning', () => {
    const { warnings } = folder.load({ flags: { 'server.publicUrl': 'https://files.example.com' } })
    expect(warnings.join()).toContain('cors: { origins: ["https://files.example.com"] }')
  })
})

describe('public files', () => {
  const onS3 = {
    'storage.driver': 's3',
    'downloads.publicBaseUrl': 'https://files.example.com/public-bucket',
    'server.publicUrl': 'https://files.example.com',
    'cors.origins': 'https://app.example.com',
  }

  it.each([
    [{ 'uploads.allowedTypes': '["image/*","image/svg+xml"]' }, 'uploads.allowedTypes names image/svg+xml'],
    [{ 'downloads.inlineTypes': '["text/html"]' }, 'downloads.inlineTypes names text/html'],
    [onS3, 'https://files.example.com, which is an origin of your application'],
    [
      { ...onS3, 'server.publicUrl': 'https://api.example.com', 'cors.origins': 'https://files.example.com' },
      'https://files.example.com, which is an origin of your application',
    ],
  ])('that can run scripts are a warning: %j', (flags, warning) => {
    expect(folder.load({ flags }).warnings.join('\n')).toContain(warning)
    expect(folder.load({ flags: { ...flags, 'uploads.allowPublic': 'false' } }).warnings.join('\n')).not.toContain(
      warning,
    )
  })

  it('that cannot are none', () => {
    const apart = { ...onS3, 'downloads.publicBaseUrl': 'https://cdn.example.net' }
    for (const flags of [{}, { 'uploads.allowedTypes': '["*/*"]' }, apart]) {
      expect(folder.load({ flags }).warnings.join('\n')).not.toMatch(/browsers run scripts|origin of your application/)
    }
  })
})

describe('auth.secret', () => {
  it.each([
    ['changeme', 'is a well-known example'],
    ['secret', 'is a well-known example'],
    ['your-256-bit-secret', 'is a well-known example'],
    ['a-string-secret-at-least-256-bits-long', 'is a well-known example'],
    ['please-change-me-please-change-me-please', 'is a well-known example'],
    ['kqX1mB7zD0pWcR5tVn2ykqX1mB7zD0p', 'is too short: 31 bytes, at least 32 are needed'],
    ['', 'is too short: 0 bytes, at least 32 are needed'],
    ['secretsecretsecretsecretsecretsecret', 'repeats itself'],
    ['a'.repeat(64), 'repeats itself'],
  ])('%j is refused', (secret, why) => {
    folder.write('config/local.yaml', `auth: { secret: ${JSON.stringify(secret)} }`)
    const problems = folder.problems()
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(`auth.secret: the secret ${why}`)
    expect(problems[0]).toContain('auth: { secret: auto }')
  })

  it('counts bytes, not characters', () => {
    expect(weakness('ä1ö2ü3ß4é5è6ê7ç8', 24)).toBeNull()
    expect(weakness('ä1ö2ü3ß4é5è6ê7ç8', 25)).toContain('too short')
  })

  it('may be auto or 32 random bytes', () => {
    expect(folder.load({ env: { POSTERN_AUTH_SECRET: 'auto' } }).config.auth.secret).toBe('auto')
    expect(folder.load({ env: { POSTERN_AUTH_SECRET: good } }).config.auth.secret).toBe(good)
  })
})

describe('keys', () => {
  const keys = (...entries: object[]): Record<string, unknown> => ({ keys: entries })
  const entry = { accessKeyId: 'backup', secretAccessKey: good, owner: 'ops' }

  it.each([
    [
      { ...entry, secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
      'keys[0].secretAccessKey: the secret is a well-known example',
    ],
    [{ ...entry, secretAccessKey: 'minioadmin' }, 'keys[0].secretAccessKey: the secret is a well-known example'],
    [
      { ...entry, secretAccessKey: '123456789abcdef' },
      'keys[0].secretAccessKey: the secret is too short: 15 bytes, at least 16 are needed',
    ],
    [{ ...entry, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }, 'keys[0].accessKeyId: is an example from a manual'],
    [{ ...entry, owner: 'postern' }, 'keys[0].owner: is reserved'],
  ])('%j is refused', (bad, message) => {
    expect(folder.problems({ flags: keys(bad) }).join('\n')).toContain(message)
  })

  it('with one id twice are refused, with the line of the second', () => {
    const line = `  - { accessKeyId: backup, secretAccessKey: ${good}, owner: ops }`
    folder.write('config/local.yaml', ['keys:', line, line].join('\n'))
    expect(folder.problems()).toEqual([expect.stringMatching(/local\.yaml:3: keys\[1\]\.accessKeyId: is used twice/)])
  })

  it('of several owners are accepted', () => {
    expect(
      folder.load({ flags: keys(entry, { ...entry, accessKeyId: 'other', owner: 'alice' }) }).config.keys,
    ).toHaveLength(2)
  })
})

describe('conflicting values', () => {
  it('warns about quotas and collection of owners that have no buckets', () => {
    const flags = { 'storage.driver': 's3', 'quotas.ownerBytes': '5GiB', 'storage.abortMultipartAfter': '7d' }
    const warning = (more: Record<string, string>) => folder.load({ flags: { ...flags, ...more } }).warnings.join()
    expect(warning({})).toContain(
      'storage.abortMultipartAfter and quotas.ownerBytes have no effect with the s3 driver, because owners of access keys have no buckets there',
    )
    expect(warning({ 'storage.abortMultipartAfter': 'off' })).toContain('quotas.ownerBytes has no effect')
    expect(warning({ 'storage.abortMultipartAfter': 'off', 'quotas.ownerBytes': 'auto' })).not.toContain('no effect')
    expect(warning({ 'storage.driver': 'disk' })).not.toContain('no effect')
  })

  it('warns about a key set of one provider while issuer or audience are not compared', () => {
    const jwksUrl = { 'auth.jwksUrl': 'https://id.example.com/jwks.json' }
    expect(folder.load({ flags: jwksUrl }).warnings).toEqual([
      expect.stringContaining('auth.issuer is not set'),
      expect.stringContaining('auth.audience is not set'),
    ])
    const compared = { ...jwksUrl, 'auth.issuer': 'https://id.example.com', 'auth.audience': 'files' }
    expect(folder.load({ flags: compared }).warnings).toEqual([])
  })

  it.each([
    [{ 'objects.region': 'any' }, 'objects.region: "any" works only in development mode'],
    [{ 'uploads.maxExpiresIn': '8d' }, 'uploads.maxExpiresIn: presigned URLs are valid for at most 7 days'],
    [
      { 'uploads.expiresIn': '2h', 'uploads.maxExpiresIn': '1h' },
      'uploads.expiresIn: is longer than uploads.maxExpiresIn',
    ],
    [{ 'uploads.expiresIn': '1500ms' }, 'uploads.expiresIn: presigned URLs need whole seconds'],
    [
      { 'downloads.expiresIn': '6d', 'downloads.stableFor': '2d' },
      'downloads.stableFor: presigned URLs are valid for at most 7 days',
    ],
    [{ 'storage.delivery': 'proxied' }, 'storage.delivery: "proxied" is for the s3 driver'],
    [
      { 'storage.driver': 's3', 'storage.s3.accessKeyId': 'x' },
      'storage.s3.secretAccessKey: is missing, but storage.s3.accessKeyId is set',
    ],
    [{ 'storage.bucket': '10.0.0.1' }, 'storage.bucket: is not a bucket name'],
    [{ 'storage.s3.prefix': '/app' }, 'storage.s3.prefix: expects a prefix such as app/'],
    [{ 'uploads.partSize': '1MiB' }, 'uploads.partSize: S3 accepts parts of 5MiB to 5GiB'],
    [{ 'uploads.maxSize': '6TiB' }, 'uploads.maxSize: expects 1B to 5TiB'],
    [{ 'auth.jwksUrl': 'http://id.example.com/jwks.json' }, 'auth.jwksUrl: keys that come over plain http'],
    [
      { 'auth.jwksUrl': 'https://www.googleapis.com/oauth2/v3/certs', 'auth.issuer': 'https://accounts.google.com' },
      'auth.audience: is missing. Google signs the tokens of all applications',
    ],
    [
      {
        'auth.jwksUrl': 'https://login.microsoftonline.com/common/discovery/v2.0/keys',
        'auth.audience': 'f0b2',
        'auth.allowSecretWithJwks': 'true',
      },
      'Set auth.issuer to the `iss` of your tokens',
    ],
    [{ 'objects.listen': '127.0.0.1:4000' }, 'objects.listen: 127.0.0.1:4000 is also the address of server.listen'],
    [
      { 'objects.listen': 'shared', 'objects.publicUrl': 'http://localhost:4000/' },
      'Write http://localhost:4000/objects',
    ],
    [
      { 'objects.sendfile': 'x-accel' },
      'objects.sendfile: needs objects.publicUrl, the address of the server in front',
    ],
    [
      { 'objects.sendfile': 'x-sendfile', 'objects.publicUrl': 'http://localhost', 'storage.driver': 's3' },
      'objects.sendfile: is for the disk driver',
    ],
    [{ 'server.trustedProxies': '10.0.0.0/33' }, 'server.trustedProxies[0]: expects an address or a range'],
  ])('%j is refused', (flags, message) => {
    expect(folder.problems({ flags }).join('\n')).toContain(message)
  })

  it.each([
    [{ 'auth.jwksUrl': 'http://127.0.0.1:9/jwks.json' }],
    [{ 'auth.jwksUrl': 'https://id.example.com/jwks.json' }],
    [
      {
        'auth.jwksUrl': 'https://appleid.apple.com/auth/keys',
        'auth.issuer': 'https://appleid.apple.com',
        'auth.audience': 'com.example.app',
      },
    ],
    [{ 'auth.jwksUrl': 'https://storage.googleapis.com/my-bucket/jwks.json' }],
    [{ 'auth.clockTolerance': '0' }],
    [{ 'objects.listen': 'shared' }],
    [{ 'server.listen': '127.0.0.1:0', 'objects.listen': '127.0.0.1:0' }],
    [{ 'server.trustedProxies': '10.0.0.1,fd00::/8' }],
    [{ 'uploads.expiresIn': '7d' }],
    [{ 'objects.sendfile': 'x-accel', 'objects.publicUrl': 'https://objects.example.com' }],
    [{ 'database.url': 'postgres://u:p@db/app', 'limits.store': 'redis://cache:6379', 'server.workers': 'auto' }],
  ])('%j is accepted', (flags) => {
    expect(() => folder.load({ flags })).not.toThrow()
  })
})

describe('webhooks', () => {
  const random = 'whsec_q0JX3dCJ1hVQm6m5Kf1o0l7gRkYx2Zb8tN4wEuSsPdA='
  const url = 'https://app.example.com/hook'

  it.each([
    [
      [
        { url, secret: random },
        { url, secret: random },
      ],
      'webhooks[1].url: is used twice',
    ],
    [
      [{ url: 'http://app.example.com/hook', secret: random }],
      'webhooks[0].url: others can read requests over plain http',
    ],
    [[{ url: `${url}/${'x'.repeat(2000)}`, secret: random }], 'webhooks[0].url: is longer than 2000 bytes'],
    [
      [{ url, secret: 'whsec_c2hvcnQ=' }],
      'webhooks[0].secret: the secret is too short: 5 bytes, at least 24 are needed',
    ],
    [[{ url, secret: `whsec_${'A'.repeat(44)}` }], 'webhooks[0].secret: the secret repeats itself'],
    [[{ url, secret: `whsec_${Buffer.from('changeme'.repeat(4)).toString('base64')}` }], 'webhooks[0].secret: '],
    [[{ url, secret: 'whsec_not base64' }], 'webhooks[0].secret: expects whsec_'],
    [[{ url, secret: random.slice(6) }], 'webhooks[0].secret: expects whsec_'],
    [[{ url }], 'webhooks[0].secret'],
    [[{ url, secret: random, events: ['file.conformed'] }], 'webhooks[0].events'],
    [[{ url, secret: random, events: [] }], 'webhooks[0].events: expects at least 1'],
  ])('%j is refused', (webhooks, message) => {
    const problems = folder.problems({ flags: { webhooks } })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(message)
    expect(problems[0]).not.toContain(random.slice(6))
  })

  it('receive all events, on public addresses, by default', () => {
    const [all, some] = folder.load({
      flags: {
        webhooks: [
          { url, secret: random },
          { url: 'http://10.0.0.1/', secret: random, events: ['file.deleted'], allowPrivate: true },
        ],
      },
    }).config.webhooks
    expect(all).toMatchObject({ events: ['file.confirmed', 'file.deleted', 'upload.expired'], allowPrivate: false })
    expect(some).toMatchObject({ events: ['file.deleted'], allowPrivate: true })
  })
})
