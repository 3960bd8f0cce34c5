/** Files that no row knows. Those younger than the grace may belong to a write that is running, and are left alone. */
import type { Dirent } from 'node:fs'
import { lstat, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Problem, ProblemKind } from '../../problem.ts'
import { blobIdPattern } from '../blob-store.ts'
import { errorCode } from '../file-calls.ts'
import { forEach, type VerifyContext } from './context.ts'

export async function verifyLeftovers(ctx: VerifyContext, o: { tempGrace: number }): Promise<void> {
  await orphans(ctx)
  await tempFiles(ctx, o.tempGrace)
}

async function orphans(ctx: VerifyContext): Promise<void> {
  const known = ctx.db.prepare('SELECT 1 FROM blobs WHERE id = ?')
  const objects = join(ctx.root, 'objects')
  for (const outer of await folders(objects)) {
    await forEach(await folders(join(objects, outer)), ctx.signal, async (inner) => {
      const folder = join(objects, outer, inner)
      for (const { name } of await entries(folder)) {
        if (!blobIdPattern.test(name) || !name.startsWith(outer + inner)) ctx.report.count('foreignFiles')
        else if (known.get(name) === undefined) {
          // Asked again after its age: the row may have come meanwhile.
          const old = await isOlder(join(folder, name), ctx.grace)
          if (known.get(name) !== undefined || old === null) continue
          if (!old) ctx.report.count('inFlight')
          else await tell(ctx, 'blob-without-row', join(folder, name), { blob: name })
        }
      }
    })
  }
}

async function tempFiles(ctx: VerifyContext, grace: number): Promise<void> {
  const folder = join(ctx.root, 'tmp')
  for (const entry of await entries(folder)) {
    ctx.signal.throwIfAborted()
    if (entry.isDirectory()) continue
    const old = await isOlder(join(folder, entry.name), grace)
    if (old === false) ctx.report.count('inFlight')
    else if (old) await tell(ctx, 'temp-file', join(folder, entry.name), {})
  }
}

const details: Partial<Record<ProblemKind, string>> = {
  'blob-without-row': 'no row of the index knows this file',
  'temp-file': 'an upload that ended long ago left this file',
}

async function tell(ctx: VerifyContext, kind: ProblemKind, path: string, where: Partial<Problem>): Promise<void> {
  const detail = `${details[kind]}: ${path}`
  if (!ctx.repair) return ctx.report.problem({ ...where, kind, detail, repair: 'left' })
  try {
    await unlink(path)
    ctx.report.problem({ ...where, kind, detail, repair: 'removed' })
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return
    ctx.report.problem({ ...where, kind, detail: `${detail}; ${(cause as Error).message}`, repair: 'failed' })
  }
}

async function folders(path: string): Promise<string[]> {
  return (await entries(path)).filter((e) => e.isDirectory() && /^[0-9a-f]{2}$/.test(e.name)).map(({ name }) => name)
}

async function entries(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return []
    throw cause
  }
}

/** By the file system's own clock. Null: it is gone. */
async function isOlder(path: string, seconds: number): Promise<boolean | null> {
  try {
    const { mtimeMs, ctimeMs } = await lstat(path)
    return Date.now() - Math.max(mtimeMs, ctimeMs) >= seconds * 1000
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return null
    throw cause
  }
}
