/** `postern verify`: exit codes and JSON output, next to a server under write load. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { as, store, type Caller } from '../api/caller.ts'
import { blobFilesOf, blobsOf, flipBit } from '../fixtures/damage.ts'
import { startGateway, type RunningGateway } from '../fixtures/gateway.ts'
import { makeBench, type Bench, type Finished } from './run-postern.ts'

let bench: Bench
let gateway: RunningGateway
let alice: Caller
beforeAll(async () => {
  bench = makeBench()
  gateway = await startGateway()
  alice = await as(gateway, 'alice')
})
afterAll(async () => {
  await gateway.close()
  await bench.remove()
})

const verify = (...args: string[]): Promise<Finished> =>
  bench.run(
    [
      'verify',
      '--storage',
      join(gateway.dir, 'storage'),
      '--set',
      `database.url=sqlite:${join(gateway.dir, 'catalog.sqlite')}`,
    ].concat(args),
  )

it('finds nothing during uploads, and reports damage, moved to quarantine on request', async () => {
  const { id, key } = await store(alice, 'x'.repeat(300_000))
  const busy = { on: true }
  const writer = (async () => {
    while (busy.on) {
      const { id: brief } = await store(alice, 'y'.repeat(10_000))
      await alice.delete(`/files/${brief}`)
    }
  })()
  const well = await verify('--deep', '--json')
  busy.on = false
  await writer
  expect({ exitCode: well.exitCode, ...(JSON.parse(well.stdout) as object) }).toEqual({
    exitCode: 0,
    ok: true,
    driver: 'disk',
    deep: true,
    repair: false,
    startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    finishedAt: expect.stringMatching(/Z$/),
    checked: expect.objectContaining({
      objects: expect.any(Number),
      blobs: expect.any(Number),
      files: expect.any(Number),
    }),
    counts: {},
    problems: [],
    isTruncated: false,
  })

  const storage = join(gateway.dir, 'storage')
  const [blob] = blobsOf(storage, key) as [string]
  await flipBit(blobFilesOf(storage, key)[0]!, 12_345)
  const bad = await verify('--deep', '--repair', '--json')
  expect({ exitCode: bad.exitCode, json: JSON.parse(bad.stdout) as object }).toEqual({
    exitCode: 1,
    json: expect.objectContaining({
      ok: false,
      repair: true,
      counts: { 'blob-damaged': 1 },
      problems: [
        {
          severity: 'damage',
          kind: 'blob-damaged',
          repair: 'quarantined',
          detail: expect.stringContaining('differ from the stored ones'),
          bucket: 'postern',
          key,
          blob,
        },
      ],
    }),
  })
  const { json } = await alice.get(`/files/${id}/download-url`)
  expect((await fetch(json.downloadUrl)).status).toBe(500)
  const told = await verify()
  expect(told).toMatchObject({
    exitCode: 1,
    stdout: expect.stringMatching(/damage blob-quarantined: postern\/uploads.*\nFound: 1 blob-quarantined\.\n$/),
  })
}, 60_000)

it('refuses invalid folders and options', async () => {
  expect(await verify('--depp')).toMatchObject({ exitCode: 2, stdout: '' })
  const nowhere = await bench.run(['verify', '--storage', join(bench.path, 'nowhere')])
  expect(nowhere).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringContaining('There is no') })
}, 60_000)
