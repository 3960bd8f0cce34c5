/** Shared by the power cut suites: a server under load on a file system that supports power cuts. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { makeBucket, startWorkload, type Workload, type Mix } from './workload.ts'
import { checkConsistency } from './check-consistency.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { Mount } from './mounts.ts'
import { createInstallation, type Server, type Installation } from './installation.ts'
import { attach } from './strace.ts'

export const uploaders = 10
const mix: Mix = {
  objects: { small: 12, large: 3, parts: 1, delete: 4, read: 2 },
  files: { small: 10, large: 2, parts: 1, delete: 3, read: 1 },
}

export type CutHarness<M extends Mount = Mount> = { mount: M; installation: Installation; workload: Workload }

/** Removes the mount at the end. */
export async function withCutHarness<T, M extends Mount>(
  o: { mount: M; random: SeededRandom; fsync: 'full' | 'none' },
  use: (harness: CutHarness<M>) => Promise<T>,
): Promise<T> {
  const { mount, random, fsync } = o
  try {
    const settings = { storage: { disk: { fsync } } }
    const installation = await createInstallation({
      storage: join(mount.path, 'data/storage'),
      outside: mount.outside,
      settings,
    })
    return await use({ mount, installation, workload: await startWorkload(installation, { uploaders, mix, random }) })
  } finally {
    await mount.remove()
  }
}

/** One server from its start to the cut. First it is asked for what was acknowledged before. */
export async function liveAndCut(
  { mount, installation, workload }: CutHarness,
  random: SeededRandom,
  o: { isFirst: boolean; changes: number; unsynced?: string },
): Promise<number> {
  const server = installation.start()
  try {
    await server.ready
    if (o.isFirst) await makeBucket(installation)
    const { checked } = await workload.verify('changed')
    if (o.unsynced !== undefined) await dropSyncs(installation, server, o.unsynced)
    const cut = await mount.preparePowerCut()
    try {
      await workload.workFor(o.changes)
      await sleep(random.int(0, 20))
    } finally {
      workload.gate.isFaulty = true
      await cut()
    }
    workload.gate.close()
    return checked
  } finally {
    await end(workload, server)
    await mount.remount()
  }
}

/** From here on the syncs of the files in one folder report success and do nothing. */
async function dropSyncs(installation: Installation, server: Server, folder: string): Promise<void> {
  const calls = ['fsync', 'fdatasync']
  const files = (await readdir(join(installation.storage, folder))).map((name) =>
    join(installation.storage, folder, name),
  )
  await attach(server.pid, { calls, to: '/dev/null', inject: { calls, fault: 'NOTHING' }, paths: files })
}

/** The cut comes while the server starts: while it replays its log and recovers its databases. */
export async function cutDuringStart(
  { mount, installation, workload }: CutHarness,
  random: SeededRandom,
): Promise<void> {
  const cut = await mount.preparePowerCut()
  const server = installation.start()
  try {
    await Promise.race([sleep(random.int(100, 1200)), server.exited])
    await cut()
  } finally {
    await end(workload, server)
    await mount.remount()
  }
}

/** Starts once more, lets every uploader end with what it is at, and checks everything. Resolves to how much that was. */
export async function settle({ installation, workload }: CutHarness): Promise<number> {
  const server = installation.start()
  let checked = 0
  try {
    await server.ready
    workload.gate.open()
    await workload.finish()
    ;({ checked } = await workload.verify('all'))
    expect(workload.violations).toEqual([])
    expect(await server.stop()).toBe(0)
  } finally {
    await end(workload, server)
  }
  expect(await checkConsistency(installation)).toEqual([])
  return checked
}

/**
 * What is wrong after one cut of a store that does not sync, or does not sync one folder; empty where nothing is.
 * `unsynced` is below `storage`.
 */
export async function findLosses(
  harness: CutHarness,
  random: SeededRandom,
  o: { unsynced?: string } = {},
): Promise<string[]> {
  if (o.unsynced !== undefined) await liveAndCut(harness, random, { isFirst: true, changes: 5 })
  await liveAndCut(harness, random, { isFirst: o.unsynced === undefined, changes: 60, ...o })
  const server = harness.installation.start()
  try {
    // Index and log may have lost so much that they do not belong together any more.
    const refusal = await server.ready.then(
      () => null,
      (error: Error) => error.message,
    )
    if (refusal !== null) return [refusal]
    await harness.workload.verify('all')
    return harness.workload.violations
  } finally {
    await end(harness.workload, server)
  }
}

/** Of the findings, those that say that something was lost. */
export const lossesAmong = (findings: readonly string[]): string[] =>
  findings.filter((what) =>
    /was stored with|is missing|confirmed and not listed|The store is not opened|: (4|5)\d\d /.test(what),
  )

async function end({ gate }: Workload, server: Server): Promise<void> {
  gate.close()
  await server.kill()
}
