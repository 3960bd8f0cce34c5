/** The browser in TEST_BROWSER starts, and uploads a file from a page of another origin. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { chosenEngine, type Engine } from '../fixtures/browsers.ts'
import { onDisk } from './client-backends.ts'
import {
  choose,
  MiB,
  openPage,
  outcome,
  type Harness,
  start,
  startHarness,
  storedSha256,
  textFile,
} from './client-harness.ts'

const agents: Record<Engine, RegExp> = { chromium: /Chrome\//, firefox: /Firefox\//, webkit: /Version\/\S+ Safari\// }

let harness: Harness
beforeAll(async () => {
  harness = await startHarness(onDisk)
})
afterAll(() => harness?.close())

it.for([
  { name: 'in one request', bytes: 100_000 },
  { name: 'in parts', bytes: 17 * MiB },
])('uploads a file $name', async ({ bytes }) => {
  const file = await textFile(harness, `smoke-${bytes}.txt`, bytes)
  const page = await openPage(harness)
  expect(await page.evaluate(() => navigator.userAgent)).toMatch(agents[chosenEngine()])
  await choose(page, file.path)
  const { record, error } = await outcome(page, await start(page))
  await page.close()
  expect(error).toBeUndefined()
  expect(await storedSha256(harness, record!.id)).toBe(file.sha256)
})
