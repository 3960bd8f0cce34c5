/** Security cases 79 and 80: the files that the disk driver opens, for any name of an object. */
import { realpath } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { fileCalls } from '../../src/drivers/disk/file-calls.ts'
import { diskFixture } from '../drivers/disk-fixture.ts'

test('file names are random, inside of the folder, and never existed before', async () => {
  const opened: { path: string; flags: unknown }[] = []
  const disk = await diskFixture({
    calls: {
      open: (path, flags, mode) => {
        opened.push({ path: String(path), flags })
        return fileCalls.open(path, flags, mode)
      },
    },
  })
  const root = await realpath(disk.dir)
  try {
    const names = [
      'root_evil',
      '..hidden',
      'objects',
      'index.sqlite',
      'tmp/a',
      '/etc/passwd',
      'a/b',
      'CON',
      '%2e%2e/x',
      '*',
    ]
    for (const key of names) await disk.driver.putObject({ bucket: disk.bucket, key }, Readable.from([key]))
    for (const key of names) {
      const object = await disk.driver.getObject({ bucket: disk.bucket, key })
      expect(Buffer.concat(await object.stream().toArray()).toString()).toBe(key)
    }
    const written = opened.filter(({ flags }) => flags === 'wx').map(({ path }) => relative(root, path))
    expect(written).toHaveLength(names.length)
    expect(new Set(written).size).toBe(names.length)
    for (const path of written) expect(path.split(sep).join('/')).toMatch(/^tmp\/[0-9a-f]{32}$/)
    for (const { path } of opened) expect(relative(root, path)).not.toMatch(/^\.\.|evil|passwd|CON|hidden/)
  } finally {
    await disk.close()
  }
})
