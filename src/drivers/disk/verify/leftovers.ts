/** Finds files without a row. Files younger than the grace period may belong to a running write and are left alone. */
import { join } from 'node:path'
import type { Problem } from '../../verify-problems.ts'
import { errorCode, type FileCalls } from '../file-calls.ts'
import { countOrphans, findOrphans, mayTake, QuarantineSet, tooManyOrphans, type Orphan } from '../orphans.ts'
import { liveWriters } from '../writers.ts'
import type { VerifyContext } from './context.ts'

type Options = { tempGrace: number; calls: FileCalls }

export async function verifyLeftovers(ctx: VerifyContext, o: Options): Promise<void> {
  await orphans(ctx, o.calls)
  await tempFiles(ctx, o)
}

async function orphans(ctx: VerifyContext, calls: FileCalls): Promise<void> {
  const known = ctx.db.prepare('SELECT 1 FROM blobs WHERE id = ?')
  const isStopped = (): boolean => ctx.signal.aborted
  const search = { ...ctx, calls, isKnown: (id: string) => known.get(id) !== undefined, isStopped }
  const count = await countOrphans(search)
  ctx.signal.throwIfAborted()
  for (const [what, n] of [
    ['foreignFiles', count.foreign],
    ['inFlight', count.young],
  ] as const)
    if (n > 0) ctx.report.count(what, n)
  if (count.orphans === 0) return
  const tooMany = mayTake(count, ctx.allowed) ? undefined : tooManyOrphans(count, ctx.root)
  const set = ctx.repair && tooMany === undefined ? new QuarantineSet(search, { by: 'verify', now: new Date() }) : null
  try {
    for await (const found of findOrphans(search)) {
      const outcome = set === null ? { repair: 'left' as const } : await setAside(set, found)
      for (const orphan of found) tellOrphan(ctx, orphan, { ...outcome, ...(ctx.repair && { failure: tooMany }) })
    }
  } finally {
    await set?.close()
  }
  ctx.signal.throwIfAborted()
}

type Outcome = { repair: Problem['repair']; failure?: string | undefined }

async function setAside(set: QuarantineSet, found: readonly Orphan[]): Promise<Outcome> {
  try {
    await set.add(found)
    return { repair: 'quarantined' }
  } catch (cause) {
    return { repair: 'failed', failure: (cause as Error).message }
  }
}

function tellOrphan({ report }: VerifyContext, { id, path }: Orphan, { repair, failure }: Outcome): void {
  const detail = [`the index has no row for this file: ${path}`, ...(failure === undefined ? [] : [failure])]
  report.problem({ kind: 'blob-without-row', blob: id, detail: detail.join('; '), repair })
}

async function tempFiles(ctx: VerifyContext, { calls, tempGrace }: Options): Promise<void> {
  const folder = ctx.layout.temp
  const isOfLiveWriter = liveWriters(ctx.root)
  for (const entry of await entries(calls, folder)) {
    ctx.signal.throwIfAborted()
    if (entry.isDirectory()) continue
    const path = join(folder, entry.name)
    const old = !isOfLiveWriter(entry.name) && (await isOlder(calls, path, tempGrace))
    if (old === false) ctx.report.count('inFlight')
    else if (old) await tellTemporary(ctx, calls, path)
  }
}

async function tellTemporary({ report, repair }: VerifyContext, calls: FileCalls, path: string): Promise<void> {
  const found = { kind: 'temp-file' as const, detail: `an old upload left this file: ${path}` }
  if (!repair) return report.problem({ ...found, repair: 'left' })
  try {
    await calls.unlink(path)
    report.problem({ ...found, repair: 'removed' })
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return
    report.problem({ ...found, detail: `${found.detail}; ${(cause as Error).message}`, repair: 'failed' })
  }
}

async function entries(calls: FileCalls, path: string): ReturnType<FileCalls['readdir']> {
  try {
    return await calls.readdir(path)
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return []
    throw cause
  }
}

/** Compares with the file system's clock. null if the file is gone. */
async function isOlder(calls: FileCalls, path: string, seconds: number): Promise<boolean | null> {
  try {
    const { mtimeMs, ctimeMs } = await calls.lstat(path)
    return Date.now() - Math.max(mtimeMs, ctimeMs) >= seconds * 1000
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return null
    throw cause
  }
}
