import { afterEach, beforeEach, expect, it } from 'vitest'
import { listSettings, type ListedSetting } from '../../src/config/list-settings.ts'
import { makeFolder, type Folder } from './folder.ts'

let folder: Folder
beforeEach(() => {
  folder = makeFolder()
})
afterEach(() => folder.remove())

it('lists each key with its source, in the format of a file', () => {
  folder.write('config/local.yaml', 'uploads:\n  maxSize: 5GiB\n')
  const loaded = folder.load({
    env: { POSTERN_LOG_LEVEL: 'warn', POSTERN_DATABASE_URL: 'sqlite:catalog.sqlite' },
    flags: { 'uploads.sniff': 'false' },
  })
  const found = new Map(listSettings(loaded.config, loaded).map((setting) => [setting.key, setting]))
  const of = (key: string): Partial<ListedSetting> => {
    const { value, source } = found.get(key)!
    return { value, source }
  }
  expect(of('uploads.maxSize')).toEqual({
    value: '5GiB',
    source: { from: 'file', text: expect.stringMatching(/^config[/\\]local\.yaml:2$/) },
  })
  expect(of('log.level')).toEqual({ value: 'warn', source: { from: 'variable', text: 'variable POSTERN_LOG_LEVEL' } })
  expect(of('uploads.sniff')).toEqual({ value: false, source: { from: 'flag', text: 'command line' } })
  expect(of('uploads.confirmWithin')).toEqual({ value: '24h', source: { from: 'default', text: 'default' } })
  expect(found.size).toBe(loaded.entries.size)
})
