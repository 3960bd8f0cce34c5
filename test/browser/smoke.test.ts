/** The engine that TEST_BROWSER names starts, and uploads a file from a page of another origin. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { chosenEngine, type Engine } from '../fixtures/browsers.ts'
import { onDisk } from './client-backends.ts'
import { choose, MiB, openPage, outcome, type Rig, start, startRig, storedSha256, textFile } from './client-rig.ts'

const agents: Record<Engine, RegExp> = { chromium: /Chrome\//, firefox: /Firefox\//, webkit: /Version\/\S+ Safari\// }

let rig: Rig
beforeAll(async () => {
  rig = await startRig(onDisk)
})
afterAll(() => rig?.close())

it.for([
  { name: 'in one request', bytes: 100_000 },
  { name: 'in parts', bytes: 17 * MiB },
])('uploads a file $name', async ({ bytes }) => {
  const file = await textFile(rig, `smoke-${bytes}.txt`, bytes)
  const page = await openPage(rig)
  expect(await page.evaluate(() => navigator.userAgent)).toMatch(agents[chosenEngine()])
  await choose(page, file.path)
  const { record, error } = await outcome(page, await start(page))
  await page.close()
  expect(error).toBeUndefined()
  expect(await storedSha256(rig, record!.id)).toBe(file.sha256)
})
