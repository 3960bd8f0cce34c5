/** `postern migrate`: the lifetime of public URLs of the old store, and refusals with a proxied bucket. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pino } from 'pino'
import { hashAt, MigrationHarness, ownBucket, type Sent } from './harness.ts'

let harness: MigrationHarness
beforeEach(async () => {
  harness = await MigrationHarness.create(await ownBucket())
})
afterEach(() => harness.close())

const gc = async (driver: 'disk' | 's3') => {
  await harness.stop()
  const finished = await harness.bench.run(['gc', '--json', ...harness.args(driver).slice(4)])
  expect(finished).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('"ok":true') })
  await harness.start(driver)
}
const left = async (store: 'disk' | 's3') => (await harness.running.gateway.catalog.countIn(store)).unneeded
/** Removes what is due until the old store of the files holds nothing more of them. */
async function emptied(from: 'disk' | 's3', to: 'disk' | 's3'): Promise<void> {
  await expect.poll(async () => (await gc(to), left(from)), { timeout: 30_000, interval: 200 }).toBe(0)
}
const publicUrlOf = async ({ file }: Sent): Promise<string> =>
  (await (await harness.alice()).get(`/files/${file.id}`)).json.publicUrl!

describe('public files moved from the disk', () => {
  let open: Sent
  beforeEach(async () => {
    await harness.start('disk')
    // What its upload URL may write is kept until that has expired.
    open = await harness.send(300, { visibility: 'public', expiresIn: 5 })
    await harness.start('s3')
  })

  const ofApi = (): string => `${harness.running.apiUrl}/public/${open.file.key}`
  const expectEnded = async (): Promise<void> => {
    await emptied('disk', 's3')
    await expect(fetch(open.file.publicUrl!)).rejects.toThrow('fetch failed')
    expect(await hashAt(ofApi())).toBe(open.sha256)
    expect(await hashAt(await publicUrlOf(open))).toBe(open.sha256)
    await harness.expectReadable([open])
  }

  it('lose their URLs at the objects endpoint by --end-public-urls, and the endpoint is no longer started', async () => {
    expect(new URL(open.file.publicUrl!).origin).toBe(new URL(harness.running.objectsUrl).origin)
    const moved = await harness.migrate('s3', '--grace', '1s', '--end-public-urls')
    expect(moved).toMatchObject({ exitCode: 0, moved: { files: 1 }, left: { unneeded: 1 }, ended: 0 })
    await expectEnded()
  })

  it('keep their URLs without it, and lose them when it is given later', async () => {
    expect(await harness.migrate('s3', '--grace', '1s')).toMatchObject({ exitCode: 0, moved: { files: 1 }, ended: 0 })
    const second = Date.now() + 1100
    await expect.poll(() => Date.now() > second, { timeout: 5000 }).toBe(true)
    await gc('s3')
    expect(await left('disk')).toBe(1)
    expect(await hashAt(open.file.publicUrl!)).toBe(open.sha256)

    const dry = await harness.migrate('s3', '--dry-run', '--end-public-urls')
    expect(dry).toMatchObject({ exitCode: 0, dryRun: true, ended: 0 })
    const plain = harness.args('s3', '--grace', '1s', '--end-public-urls').filter((one) => one !== '--json')
    const ended = await harness.bench.run(plain)
    expect(ended).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('The public URLs of 1 object in the old store'),
    })
    await expectEnded()
  })
})

describe('a bucket behind the objects endpoint (storage.delivery: proxied)', () => {
  const proxied = ['--set', 'storage.delivery=proxied']

  it('is refused until delivery is direct, also with --dry-run', async () => {
    await harness.start('disk')
    const sent = await harness.send(500)
    const lines: string[] = []
    const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) })
    await harness.start('s3', harness.storage('s3', { delivery: 'proxied' }), log)
    expect(lines.join()).toContain('They are not served. Set storage: { delivery: direct } until postern migrate')
    const waiting = await (await harness.alice()).get(`/files/${sent.file.id}/download-url`)
    expect(waiting).toMatchObject({ status: 503, json: { title: 'The store of this file is not configured' } })

    for (const more of [[], ['--dry-run']]) {
      const refused = await harness.migrate('s3', ...proxied, ...more)
      expect(refused).toMatchObject({ exitCode: 2, ok: false, error: expect.stringContaining('{ delivery: direct }') })
      expect(refused.stderr).toContain('{ delivery: direct }')
    }
    expect(await harness.migrate('disk', ...proxied)).toMatchObject({
      exitCode: 2,
      problems: [{ key: 'storage.delivery', message: expect.stringContaining('is for the s3 driver') }],
    })
    expect(await harness.running.gateway.catalog.countIn('disk')).toMatchObject({ files: 1, unneeded: 0 })

    await harness.start('s3')
    await harness.expectReadable([sent])
    expect(await harness.migrate('s3')).toMatchObject({ exitCode: 0, moved: { files: 1 }, left: { files: 0 } })
    // Moved, its files are served by the endpoint again.
    await harness.start('s3', harness.storage('s3', { delivery: 'proxied' }))
    expect(new URL(await harness.url(sent.file.id)).origin).toBe(new URL(harness.running.objectsUrl).origin)
    await harness.expectReadable([sent])
  })

  it('moves its files back to a disk, and URLs of the endpoint stop working when the disk uses it', async () => {
    await harness.start('s3', harness.storage('s3', { delivery: 'proxied' }))
    const [sent, open] = [await harness.send(500), await harness.send(501, { visibility: 'public' })]
    const url = await harness.url(sent.file.id)
    expect(await hashAt(url)).toBe(sent.sha256)
    await harness.start('disk')
    await harness.expectReadable([sent, open])
    expect(await hashAt(url)).toMatch(/^404 .*NoSuchKey/s)
    expect(await harness.migrate('disk')).toMatchObject({ exitCode: 0, moved: { files: 2 }, left: { files: 0 } })
    await harness.expectReadable([sent, open])
    expect(await hashAt(open.file.publicUrl!)).toBe(open.sha256)
  })
})
