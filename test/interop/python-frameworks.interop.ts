import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHarness, type Harness } from './harness.ts'
import { frameworksPython } from './tools.ts'

type Driven = { version2: boolean; read: string; disposition: string | null; url: string }

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.close())

async function drive(name: string): Promise<Driven & { bucket: string }> {
  const bucket = await harness.bucket(`py-${name}`)
  const { stdout } = await harness.run(frameworksPython, [join(import.meta.dirname, 'python_frameworks.py')], {
    input: harness.spec({ bucket, with: name }),
  })
  expect((await harness.stored(bucket, "a b/ü+'(1).txt")).toString()).toBe('the bytes')
  return { bucket, ...(JSON.parse(stdout) as Driven) }
}

const disposition = 'attachment; filename="a&b.txt"'

test('s3fs reads and writes with its presigned URLs of signature version 2', async () => {
  const driven = await drive('s3fs')
  expect(driven).toMatchObject({ version2: true, read: 'the bytes', disposition })
  expect((await harness.stored(driven.bucket, 'put.txt')).toString()).toBe('by URL')
})

test('presigned URLs of django-storages work, which have signature version 2', async () => {
  expect(await drive('django')).toMatchObject({ version2: true, read: 'the bytes', disposition })
})

test('presigned URLs of cloudpathlib work, which have signature version 2', async () => {
  expect(await drive('cloudpathlib')).toMatchObject({ version2: true, read: 'the bytes' })
})
