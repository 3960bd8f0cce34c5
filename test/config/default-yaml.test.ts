import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isMap, isScalar, parse, parseDocument, type YAMLMap } from 'yaml'
import { configKeys, configSections } from '../../src/config/config-keys.ts'
import { defaultConfigFile } from '../../src/config/load-config.ts'
import { configSchema } from '../../src/config/schema.ts'

const text = readFileSync(defaultConfigFile, 'utf8')

type Written = { key: string; comment: string | null }

/** Every key of the file with the comment before it. */
function written(section: YAMLMap, path = ''): Written[] {
  return section.items.flatMap((pair, index) => {
    if (!isScalar(pair.key)) throw new Error('a key that is no text')
    const key = path === '' ? String(pair.key.value) : `${path}.${String(pair.key.value)}`
    if (isMap(pair.value) && configSections.has(key)) return written(pair.value, key)
    const comment = pair.key.commentBefore ?? (index === 0 ? section.commentBefore : null) ?? null
    return [{ key, comment }]
  })
}

describe('config/default.yaml', () => {
  const { contents } = parseDocument(text)
  const keys = isMap(contents) ? written(contents) : []

  it('is valid', () => {
    expect(configSchema.safeParse(parse(text)).error).toBeUndefined()
  })

  it('has exactly the keys of the schema, in its order', () => {
    expect(keys.map(({ key }) => key)).toEqual([...configKeys.keys()])
  })

  it('explains each key', () => {
    expect(keys.filter(({ comment }) => (comment ?? '').trim().length < 10).map(({ key }) => key)).toEqual([])
  })
})

it('gives each key the variable of the contract', () => {
  expect(configKeys.get('storage.disk.path')?.variable).toBe('POSTERN_STORAGE_DISK_PATH')
  expect(configKeys.get('limits.issuePerMinute')?.variable).toBe('POSTERN_LIMITS_ISSUE_PER_MINUTE')
  expect(configKeys.get('storage.s3.accessKeyId')?.variable).toBe('POSTERN_STORAGE_S3_ACCESS_KEY_ID')
  expect(new Set([...configKeys.values()].map(({ variable }) => variable)).size).toBe(configKeys.size)
})
