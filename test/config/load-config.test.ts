import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { makeFolder, type Folder } from './folder.ts'

let folder: Folder
beforeEach(() => {
  folder = makeFolder()
})
afterEach(() => folder.remove())

const s3 = { POSTERN_STORAGE_DRIVER: 's3' }

describe('layers', () => {
  it('starts with only the defaults', () => {
    const { config, sources, warnings } = loadConfig({ env: {}, flags: {} })
    expect(config.server.listen).toEqual({ host: '127.0.0.1', port: 4000 })
    expect(config.uploads).toMatchObject({ maxSize: 104_857_600, expiresIn: 600, maxExpiresIn: 604_800 })
    expect(config.database.url).toBe('sqlite:storage/catalog.sqlite')
    expect(new Set([...sources.values()].map(({ from }) => from))).toEqual(new Set(['default']))
    expect(warnings).toEqual([])
  })

  it('prefers local.yaml to defaults, variables to files, and flags to all, and reports the source', () => {
    folder.write('config/local.yaml', 'uploads:\n  maxSize: 1MiB\n  expiresIn: 1m\n\n  partSize: 6MiB\n')
    const { config, sources } = folder.load({
      env: { POSTERN_UPLOADS_EXPIRES_IN: '2m', POSTERN_UPLOADS_PART_SIZE: '7MiB' },
      flags: { 'uploads.partSize': '9MiB' },
    })
    expect(config.uploads).toMatchObject({
      maxSize: 2 ** 20,
      expiresIn: 120,
      partSize: 9 * 2 ** 20,
      confirmWithin: 86_400,
    })
    expect(sources.get('uploads.maxSize')).toEqual({ from: 'file', file: join('config', 'local.yaml'), line: 2 })
    expect(sources.get('uploads.expiresIn')).toEqual({ from: 'variable', name: 'POSTERN_UPLOADS_EXPIRES_IN' })
    expect(sources.get('uploads.partSize')).toEqual({ from: 'flag' })
    expect(sources.get('uploads.confirmWithin')).toEqual({ from: 'default' })
  })

  it('reads --config instead of local.yaml, and requires the file', () => {
    folder.write('config/local.yaml', 'uploads: { maxSize: 1MiB }')
    folder.write('other.yaml', 'uploads: { expiresIn: 1m }')
    expect(folder.load({ configFile: 'other.yaml' }).config.uploads).toMatchObject({
      maxSize: 104_857_600,
      expiresIn: 60,
    })
    expect(folder.problems({ configFile: 'absent.yaml' })).toEqual(['absent.yaml:1: there is no such file.'])
  })

  it('replaces lists instead of merging them, and ignores an empty section', () => {
    folder.write('config/local.yaml', 'uploads:\n  allowedTypes: [text/plain]\nserver:\n  # listen: "127.0.0.1:1"\n')
    expect(folder.load().config.uploads.allowedTypes).toEqual(['text/plain'])
  })

  it('is deeply frozen', () => {
    const { config } = folder.load()
    expect(() => config.uploads.allowedTypes.push('x/y')).toThrow(TypeError)
    expect(() => Object.assign(config.server.listen, { port: 1 })).toThrow(TypeError)
  })
})

describe('paths', () => {
  it('keeps the default catalog next to the objects', () => {
    const { config, sources } = folder.load({ flags: { 'storage.disk.path': 'data' } })
    expect(config.database.url).toBe(`sqlite:${join(folder.path, 'data', 'catalog.sqlite')}`)
    expect(sources.get('database.url')).toEqual({ from: 'derived', of: 'storage.disk.path' })
  })

  it('keeps a configured catalog path', () => {
    const env = { POSTERN_STORAGE_DISK_PATH: 'data', POSTERN_DATABASE_URL: 'sqlite::memory:' }
    expect(folder.load({ env }).config.database.url).toBe('sqlite::memory:')
  })

  it('makes paths absolute if a working directory is given', () => {
    const { config } = folder.load()
    expect(config.storage.disk.path).toBe(resolve(folder.path, 'storage'))
    expect(config.database.url).toBe(`sqlite:${resolve(folder.path, 'storage', 'catalog.sqlite')}`)
  })
})

describe('POSTERN_ variables', () => {
  it('are parsed as the type of their key', () => {
    const env = {
      POSTERN_AUTH_SECRET: '12345678901234567890123456789012x',
      POSTERN_AUTH_ISSUER: '42',
      POSTERN_UPLOADS_AUTO_CONFIRM: 'true',
      POSTERN_LIMITS_ISSUE_PER_MINUTE: '7',
      POSTERN_QUOTAS_USER_BYTES: '5GiB',
      POSTERN_AUTH_ANONYMOUS: 'null',
      POSTERN_CORS_ORIGINS: '["https://a.example.com","https://b.example.com"]',
      POSTERN_UPLOADS_ALLOWED_TYPES: 'image/*, text/plain',
      POSTERN_KEYS: '[{"accessKeyId":"backup","secretAccessKey":"kqX1mB7zD0pWcR5tVn2y","owner":"ops"}]',
    }
    const { config } = folder.load({ env })
    expect(config.auth).toMatchObject({ secret: env.POSTERN_AUTH_SECRET, issuer: '42', anonymous: null })
    expect(config.uploads).toMatchObject({ autoConfirm: true, allowedTypes: ['image/*', 'text/plain'] })
    expect(config.limits.issuePerMinute).toBe(7)
    expect(config.quotas.userBytes).toBe(5 * 2 ** 30)
    expect(config.cors.origins).toEqual(['https://a.example.com', 'https://b.example.com'])
    expect(config.keys).toEqual([{ accessKeyId: 'backup', secretAccessKey: 'kqX1mB7zD0pWcR5tVn2y', owner: 'ops' }])
  })

  it('can name a file with the value', () => {
    folder.write('secret.txt', 'kqX1mB7zD0pWcR5tVn2ykqX1mB7zD0pWcR5tVn2Z\n')
    const env = { POSTERN_AUTH_SECRET_FILE: 'secret.txt' }
    expect(folder.load({ env }).config.auth.secret).toBe('kqX1mB7zD0pWcR5tVn2ykqX1mB7zD0pWcR5tVn2Z')
    expect(folder.problems({ env: { POSTERN_AUTH_SECRET_FILE: 'absent.txt' } })).toEqual([
      expect.stringMatching(
        /^variable POSTERN_AUTH_SECRET_FILE: auth\.secret: the file \S+absent\.txt cannot be read by .* \(ENOENT\)\. It does not exist/,
      ),
    ])
    expect(folder.problems({ env: { ...env, POSTERN_AUTH_SECRET: 'x' } }).join()).toContain(
      'set either this or POSTERN_AUTH_SECRET',
    )
  })

  it('count as not set when they are empty', () => {
    expect(folder.load({ env: { POSTERN_AUTH_SECRET: '', POSTERN_UPLOADS_MAX_SIZE: '' } }).config.auth.secret).toBe(
      'auto',
    )
  })

  it('must name a key, unless the platform set them', () => {
    const env = {
      POSTERN_STORAGE_DISK_PAHT: 'x',
      POSTERN_MAX_SIZE: '1MiB',
      POSTERN_PORT: 'tcp://10.0.0.1:4000',
      POSTERN_PORT_4000_TCP_ADDR: '10.0.0.1',
      POSTERN_SERVICE_HOST: '10.0.0.1',
      OTHER: 'x',
    }
    expect(folder.problems({ env })).toEqual([
      'variable POSTERN_STORAGE_DISK_PAHT: is not a setting. Did you mean POSTERN_STORAGE_DISK_PATH?',
      'variable POSTERN_MAX_SIZE: is not a setting. Did you mean POSTERN_UPLOADS_MAX_SIZE?',
    ])
    expect(folder.problems({ env: { POSTERN_PORT: '5000' } })).toHaveLength(1)
  })
})

describe('PORT', () => {
  it('changes the port and keeps the host', () => {
    folder.write('config/local.yaml', 'server: { listen: "127.0.0.2:4000" }')
    const { config, sources } = folder.load({ env: { PORT: '8080' } })
    expect(config.server.listen).toEqual({ host: '127.0.0.2', port: 8080 })
    expect(sources.get('server.listen')).toEqual({ from: 'variable', name: 'PORT' })
  })

  it('keeps an IPv6 host too', () => {
    folder.write('config/local.yaml', 'server: { listen: "[::1]:4000" }')
    expect(folder.load({ env: { PORT: '8080' } }).config.server.listen).toEqual({ host: '::1', port: 8080 })
  })

  it('is overridden by POSTERN_SERVER_LISTEN, which can use it', () => {
    const listen = (env: Record<string, string>) => folder.load({ env }).config.server.listen
    expect(listen({ PORT: '8080', POSTERN_SERVER_LISTEN: '127.0.0.1:9000' })).toEqual({ host: '127.0.0.1', port: 9000 })
    expect(listen({ PORT: '8080', POSTERN_SERVER_LISTEN: '127.0.0.3:$PORT' })).toEqual({
      host: '127.0.0.3',
      port: 8080,
    })
    expect(listen({ PORT: 'nonsense', POSTERN_SERVER_LISTEN: '127.0.0.1:9000' }).port).toBe(9000)
  })

  it('is overridden by the flag', () => {
    expect(folder.load({ env: { PORT: '8080' }, flags: { port: '8081' } }).config.server.listen.port).toBe(8081)
  })

  it('is rejected if it is not a port, or used by the other listener', () => {
    expect(folder.problems({ env: { PORT: '70000' } })).toEqual([
      'variable PORT: server.listen: expects a port from 0 to 65535, not "70000".',
    ])
    expect(folder.problems({ env: { PORT: '4001' } }).join()).toContain(
      '127.0.0.1:4001 is also the address of server.listen',
    )
  })

  it('warns in production that loopback cannot be reached from outside', () => {
    expect(folder.load({ env: { PORT: '8080', NODE_ENV: 'production' } }).warnings.join()).toContain('0.0.0.0:$PORT')
  })
})

describe('well-known variables', () => {
  it('configure the bucket', () => {
    const env = {
      ...s3,
      AWS_ACCESS_KEY_ID: 'AKIAABCDEFGHIJKLMNOP',
      AWS_SECRET_ACCESS_KEY: 'secret-of-aws',
      AWS_SESSION_TOKEN: 'token-of-aws',
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL: 'https://all.example.com',
      AWS_S3_BUCKET: 'my-app',
    }
    const { config } = folder.load({ env })
    expect(config.storage.bucket).toBe('my-app')
    expect(config.storage.s3).toMatchObject({
      accessKeyId: 'AKIAABCDEFGHIJKLMNOP',
      secretAccessKey: 'secret-of-aws',
      sessionToken: 'token-of-aws',
      region: 'eu-west-1',
      endpoint: 'https://all.example.com',
    })
    const better = { ...env, AWS_REGION: 'eu-west-2', AWS_ENDPOINT_URL_S3: 'https://s3.example.com' }
    expect(folder.load({ env: better }).config.storage.s3).toMatchObject({
      region: 'eu-west-2',
      endpoint: 'https://s3.example.com',
    })
  })

  it('work by the names in guides, whose credentials use no session token of other variables', () => {
    const env = {
      ...s3,
      S3_BUCKET: 'my-app',
      S3_ENDPOINT: 'http://127.0.0.1:9000',
      S3_REGION: 'eu-north-1',
      S3_ACCESS_KEY: 'minioadmin',
      S3_SECRET_KEY: 'minioadmin',
      AWS_SESSION_TOKEN: 'of somebody else',
    }
    const { config } = folder.load({ env })
    expect(config.storage).toMatchObject({
      bucket: 'my-app',
      s3: {
        endpoint: 'http://127.0.0.1:9000',
        region: 'eu-north-1',
        accessKeyId: 'minioadmin',
        secretAccessKey: 'minioadmin',
        sessionToken: null,
      },
    })
  })

  it('leave credentials to the AWS default chain if none are given', () => {
    expect(folder.load({ env: s3 }).config.storage.s3).toMatchObject({ accessKeyId: null, secretAccessKey: null })
  })

  it('are overridden by POSTERN_ variables, even if invalid', () => {
    const env = {
      ...s3,
      AWS_REGION: 'eu-west-1',
      POSTERN_STORAGE_S3_REGION: 'us-west-2',
      DATABASE_URL: 'mysql://elsewhere',
      POSTERN_DATABASE_URL: 'sqlite:mine.sqlite',
    }
    const { config } = folder.load({ env })
    expect(config.storage.s3.region).toBe('us-west-2')
    expect(config.database.url).toBe(`sqlite:${join(folder.path, 'mine.sqlite')}`)
  })

  it('are ignored by the disk driver, with a warning for a bucket', () => {
    const env = { AWS_ACCESS_KEY_ID: 'AKIAABCDEFGHIJKLMNOP', AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL: 'no url' }
    const { config, warnings } = folder.load({ env })
    expect(config.storage.s3).toMatchObject({ accessKeyId: null, region: null, endpoint: null })
    expect(warnings).toEqual([])
    const withBucket = folder.load({ env: { S3_BUCKET: 'my-app' } })
    expect(withBucket.config.storage.bucket).toBe('postern')
    expect(withBucket.warnings.join()).toContain('S3_BUCKET is set, but files go to the disk')
  })

  it('apply to files of the s3 driver, whatever the current driver is', () => {
    const env = { S3_BUCKET: 'my-app', S3_REGION: 'eu-north-1', S3_ACCESS_KEY: 'minioadmin', S3_SECRET_KEY: 'a-secret' }
    const loaded = folder.load({ env })
    expect(loaded.config.storage.driver).toBe('disk')
    expect(loaded.withDriver('s3').storage).toMatchObject({
      driver: 's3',
      bucket: 'my-app',
      s3: { region: 'eu-north-1', accessKeyId: 'minioadmin', secretAccessKey: 'a-secret' },
    })
  })

  it('include DATABASE_URL', () => {
    const env = { DATABASE_URL: 'sqlite:/data/catalog.sqlite' }
    expect(folder.load({ env }).config.database.url).toBe(`sqlite:${resolve('/data/catalog.sqlite')}`)
  })
})
