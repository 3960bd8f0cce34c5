import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config/config-error.ts'
import { nearest, nearestKey } from '../../src/config/nearest.ts'
import { makeFolder, type Folder } from './folder.ts'

let folder: Folder
beforeEach(() => {
  folder = makeFolder()
})
afterEach(() => folder.remove())

const local = join('config', 'local.yaml')

it('reports all errors at once, with file, line, key and the nearest valid key', () => {
  folder.write(
    'config/local.yaml',
    [
      'uploads:', // 1
      '  maxsize: 5GiB', // 2
      '  expiresIn: soon', // 3
      'storage:', // 4
      '  driver: dsk', // 5
      '  disk: { path: data, fsink: none }', // 6
      'fsync: full', // 7
      'keys:', // 8
      '  - accessKeyId: backup', // 9
      '    secretAccesKey: kqX1mB7zD0pWcR5tVn2y', // 10
      '    owner: ops', // 11
      'quotas: 5', // 12
      'auth: { secret: 12345 }', // 13
    ].join('\n'),
  )
  const env = { POSTERN_CORS_ORIGINS: 'example.com', POSTERN_LIMITS_ISSUE_PER_MINUET: '5' }
  expect(folder.problems({ env, flags: { 'log.level': 'loud', 'uploads.sniff': 'perhaps' } }).toSorted()).toEqual(
    [
      `${local}:2: uploads.maxsize: there is no such key. Did you mean uploads.maxSize?`,
      `${local}:3: uploads.expiresIn: expects a duration such as 30s, 15m or 7d, not "soon".`,
      `${local}:5: storage.driver: expects one of disk, s3, not "dsk". Did you mean disk?`,
      `${local}:6: storage.disk.fsink: there is no such key. Did you mean storage.disk.fsync?`,
      `${local}:7: fsync: there is no such key. Did you mean storage.disk.fsync?`,
      `${local}:9: keys[0].secretAccessKey: is missing. It expects text.`,
      `${local}:10: keys[0].secretAccesKey: there is no such key. Did you mean secretAccessKey?`,
      `${local}:12: quotas: is a section. Indent its keys below it.`,
      `${local}:13: auth.secret: expects text. Put it in quotes.`,
      'variable POSTERN_CORS_ORIGINS: cors.origins[0]: expects an origin such as https://app.example.com, not "example.com".',
      'variable POSTERN_LIMITS_ISSUE_PER_MINUET: is not a setting. Did you mean POSTERN_LIMITS_ISSUE_PER_MINUTE?',
      'command line: log.level: expects one of fatal, error, warn, info, debug, trace, silent, not "loud".',
      'command line: uploads.sniff: expects true or false, not "perhaps".',
    ].toSorted(),
  )
})

it('counts them in the message and lists them as data', () => {
  folder.write('config/local.yaml', 'a: 1\nb: 2\n')
  let caught: unknown
  try {
    folder.load()
  } catch (error) {
    caught = error
  }
  expect(caught).toBeInstanceOf(ConfigError)
  const { message, problems } = caught as ConfigError
  expect(message.split('\n')).toEqual([
    '2 problems in the configuration:',
    `  ${local}:1: a: there is no such key.`,
    `  ${local}:2: b: there is no such key.`,
  ])
  expect(problems[1]).toMatchObject({ key: 'b', source: { from: 'file', file: local, line: 2 } })
})

it('reports unsafe settings with typing errors, but not for a key that could not be read', () => {
  const env = { POSTERN_SERVER_LISTEN: '0.0.0.0:4000', POSTERN_CORS_ORIGINS: 'example.com', POSTERN_X: '1' }
  const problems = folder.problems({ env })
  expect(problems.filter((line) => line.includes('cors.origins'))).toHaveLength(1)
  expect(problems.some((line) => line.includes('server.publicUrl'))).toBe(true)
})

it('never prints a secret', () => {
  const env = {
    POSTERN_AUTH_SECRET: 'hunter2',
    POSTERN_KEYS: '[{"accessKeyId":"x y","secretAccessKey":"hunter2","owner":5}]',
    POSTERN_DATABASE_URL: 'mysql://root:hunter2@db/app',
    POSTERN_LIMITS_STORE: 'amqp://root:hunter2@queue',
    POSTERN_STORAGE_S3_SECRET_ACCESS_KEY_FILE: 'absent',
  }
  const problems = folder.problems({ env })
  expect(problems.length).toBeGreaterThanOrEqual(5)
  expect(problems.join('\n')).not.toContain('hunter2')
})

describe('YAML', () => {
  it('that is invalid is reported with its line', () => {
    folder.write('config/local.yaml', 'uploads:\n  maxSize: [1\n')
    const problems = folder.problems()
    expect(problems.length).toBeGreaterThan(0)
    expect(problems[0]).toMatch(/local\.yaml:[23]: is not valid YAML: /)
  })

  it('with a duplicate key is rejected', () => {
    folder.write('config/local.yaml', 'uploads:\n  sniff: true\n  sniff: false\n')
    expect(folder.problems()).toEqual([`${local}:3: this key appears twice in its section.`])
  })

  it('with dotted keys gets advice how to write them', () => {
    folder.write('config/local.yaml', 'uploads.maxSize: 1MiB\n')
    expect(folder.problems()).toEqual([
      `${local}:1: uploads.maxSize: sections cannot be written with dots. Write uploads: { maxSize: … }`,
    ])
  })

  it('that is not a map is rejected, and an empty or commented file is accepted', () => {
    folder.write('config/local.yaml', 'just text')
    expect(folder.problems()).toEqual([`${local}:1: expects sections such as server: and storage:.`])
    folder.write('config/local.yaml', '# nothing yet\n')
    expect(folder.load().config.storage.driver).toBe('disk')
  })

  it('can use anchors', () => {
    folder.write('config/local.yaml', 'uploads: { maxSize: &big 2GiB }\nquotas: { userBytes: *big }\n')
    expect(folder.load().config.quotas.userBytes).toBe(2 * 2 ** 30)
  })

  it('named __proto__ changes nothing', () => {
    folder.write('config/local.yaml', '__proto__: { polluted: true }\n')
    expect(folder.problems()).toHaveLength(1)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('the nearest key', () => {
  it('has few edits, ignoring case', () => {
    expect(nearest('maxsize', ['minSize', 'maxSize'])).toBe('maxSize')
    expect(nearest('something else', ['maxSize'])).toBeUndefined()
  })

  it('can be in another section', () => {
    expect(nearestKey('server.secret', ['server.listen', 'auth.secret'])).toBe('auth.secret')
  })
})
