import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { configJsonSchema } from '../../src/config/json-schema.ts'
import { showConfig, showConfigJson } from '../../src/config/show-config.ts'
import { makeFolder, type Folder } from './folder.ts'

let folder: Folder
beforeEach(() => {
  folder = makeFolder()
})
afterEach(() => folder.remove())

const secret = 'kqX1mB7zD0pWcR5tVn2ykqX1mB7zD0pWcR5tVn2Z'
const env = {
  POSTERN_AUTH_SECRET: secret,
  POSTERN_STORAGE_S3_ACCESS_KEY_ID: 'visible',
  POSTERN_STORAGE_S3_SECRET_ACCESS_KEY: secret,
  POSTERN_STORAGE_S3_SESSION_TOKEN: secret,
  POSTERN_STORAGE_S3_ENDPOINT: `https://user:${secret}@store.example.com`,
  POSTERN_KEYS: JSON.stringify([{ accessKeyId: 'backup', secretAccessKey: secret, owner: 'ops' }]),
}

describe('config show', () => {
  it('shows the source of each value', () => {
    folder.write('config/local.yaml', 'uploads:\n  maxSize: 5GiB\n')
    const lines = showConfig(
      folder.load({ env: { POSTERN_LOG_LEVEL: 'warn', PORT: '5000' }, flags: { 'uploads.sniff': 'false' } }),
    ).split('\n')
    expect(lines).toContain('  listen: 127.0.0.1:5000 # variable PORT')
    expect(lines.find((line) => line.startsWith('  maxSize: 5GiB'))).toMatch(/# config[/\\]local\.yaml:2$/)
    expect(lines).toContain('  sniff: false # command line')
    expect(lines).toContain('  level: warn # variable POSTERN_LOG_LEVEL')
    expect(lines).toContain('  confirmWithin: 24h # default')
    expect(lines.filter((line) => /^ {2,4}\w+: ./.test(line) && !line.includes('#'))).toEqual([])
  })

  it('masks every secret, in both forms', () => {
    const loaded = folder.load({ env })
    for (const text of [showConfig(loaded), JSON.stringify(showConfigJson(loaded))]) {
      expect(text).not.toContain(secret)
      expect(text).toContain('visible')
      expect(text).toContain('https://user:********@store.example.com')
    }
    expect(showConfigJson(loaded).values).toMatchObject({
      auth: { secret: '********' },
      keys: [{ accessKeyId: 'backup', secretAccessKey: '********', owner: 'ops' }],
    })
  })

  it('masks the password of a database or Redis URL', () => {
    const loaded = folder.load()
    const entries = new Map(loaded.entries)
    const source = { from: 'default' } as const
    entries.set('database.url', { value: '', written: 'postgres://app:p@ss:word@db/app?sslmode=require', source })
    entries.set('limits.store', { value: '', written: 'redis://:hunter2@cache:6379?password=hunter2', source })
    const text = showConfig({ ...loaded, entries })
    expect(text).toContain('postgres://app:********@db/app?sslmode=require')
    expect(text).toContain('redis://:********@cache:6379?password=********')
  })

  it('prints YAML that can be loaded again', () => {
    const first = folder.load({ env: { POSTERN_UPLOADS_MAX_SIZE: '5GiB' } })
    folder.write('again.yaml', showConfig(first))
    const second = folder.load({ configFile: 'again.yaml' })
    expect(second.config).toEqual(first.config)
    expect(parse(showConfig(first))).toEqual(showConfigJson(first).values)
  })
})

describe('config schema', () => {
  type Schema = {
    required?: string[]
    properties: Record<
      string,
      {
        properties: Record<string, { description?: string; default?: unknown }>
        required?: string[]
        items?: { required?: string[] }
        description?: string
      }
    >
  }
  const schema = configJsonSchema() as unknown as Schema

  it('requires no key, because a file can contain any part', () => {
    expect(schema.required).toBeUndefined()
    expect(schema.properties['server']?.required).toBeUndefined()
    expect(schema.properties['keys']?.items?.required).toEqual(['accessKeyId', 'secretAccessKey', 'owner'])
  })

  it('contains explanations and defaults', () => {
    expect(schema.properties['server']?.description).toBe('The API origin: JSON API, console page, docs, health.')
    expect(schema.properties['uploads']?.properties['maxSize']).toMatchObject({
      default: '100MiB',
      description: 'The maximum size of a file.',
    })
  })
})
