import { randomBytes } from 'node:crypto'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startGateway } from '../fixtures/gateway.ts'
import { makeBench, type Bench } from './run-postern.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let bench: Bench
beforeEach(() => {
  bench = makeBench()
})
afterEach(() => bench.remove())

const storage = ['--set', 'storage.disk.path=storage', '--set', 'database.url=sqlite:catalog.sqlite']
const run = (...args: string[]) => bench.run([...args, ...storage])

it('quarantine lists the blobs that a repair moved, and restores them', async () => {
  await (await startGateway({}, { dir: bench.path })).close()
  const folder = join(bench.path, 'storage', 'objects', 'ab', 'cd')
  await mkdir(folder, { recursive: true })
  for (let i = 0; i < 101; i++) {
    const path = join(folder, `abcd${randomBytes(14).toString('hex')}`)
    await writeFile(path, 'x')
  }
  // They count as young by the time of their last change, which no program can set.
  const young = await run('gc', '--orphans', '--json')
  expect(JSON.parse(young.stdout)).toMatchObject({ ok: true, blobs: { young: 101, orphans: 0, moved: 0 } })
  const before = (await readdir(folder)).toSorted()
  expect(before).toHaveLength(101)
  await sleep(1100)

  const repaired = await run('verify', '--repair', '--grace', '1s', '--yes-delete', '101', '--json')
  expect(JSON.parse(repaired.stdout)).toMatchObject({ counts: { 'blob-without-row': 101 } })
  expect(await readdir(folder)).toEqual([])
  const listed = await run('quarantine', 'list', '--json')
  const { sets } = JSON.parse(listed.stdout) as { sets: { name: string; blobs: number; bytes: number }[] }
  expect(sets).toEqual([expect.objectContaining({ blobs: 101, bytes: 101 })])
  expect((await run('quarantine', 'list')).stdout).toContain('kept until')
  expect(await run('quarantine', 'restore')).toMatchObject({ exitCode: 2, stdout: '' })
  expect(await run('quarantine', 'restore', sets[0]!.name)).toMatchObject({
    exitCode: 0,
    stdout: 'Restored 101 blobs.\n',
  })
  expect((await readdir(folder)).toSorted()).toEqual(before)
})
