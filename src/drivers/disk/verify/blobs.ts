/** Compares every blob row with its file: that it exists, its size, and with `deep` its bytes. */
import { lstat } from 'node:fs/promises'
import { cannotOpen, isThere } from '../../../cannot-open.ts'
import type { Problem, ProblemKind } from '../../verify-problems.ts'
import { errorCode } from '../file-calls.ts'
import { wholeChecksums } from './digests.ts'
import { forEach, pageSize, type VerifyContext } from './context.ts'
import { quarantine, trimToCopy } from './quarantine.ts'
import { readBlob, type BlobState } from './read-blob.ts'
import { isLocked, usersOf } from './users.ts'

type BlobRow = { id: string; size: number; sums: Buffer }

export async function verifyBlobs(ctx: VerifyContext): Promise<void> {
  const page = ctx.db.prepare<[string, number], BlobRow>(
    'SELECT id, size, sums FROM blobs WHERE garbage_since IS NULL AND id > ? ORDER BY id LIMIT ?',
  )
  for (let after = ''; ;) {
    const rows = page.all(after, pageSize)
    if (rows.length === 0) return
    after = rows.at(-1)!.id
    await forEach(rows, ctx.signal, async (row) => {
      const state = ctx.deep ? await readDeep(ctx, row) : await look(ctx, row)
      ctx.report.count('blobs')
      if (state.is !== 'intact' && isWanted(ctx, row.id)) await tell(ctx, row, state)
    })
  }
}

/** The object may have been deleted after its row was read. */
function isWanted({ db }: VerifyContext, id: string): boolean {
  return db.prepare('SELECT 1 FROM blobs WHERE id = ? AND garbage_since IS NULL').get(id) !== undefined
}

const intact: BlobState = { is: 'intact', md5: Buffer.alloc(0) }

async function look(ctx: VerifyContext, row: BlobRow): Promise<BlobState> {
  const { id, size } = row
  try {
    const stat = await lstat(ctx.layout.path(id))
    if (!stat.isFile()) return { is: 'missing' }
    if (stat.size === size) return intact
    if (stat.size < size) return { is: 'size', size: stat.size }
    return await readBlob(ctx.layout.path(id), row, { signal: ctx.signal, md5: false })
  } catch (cause) {
    const code = errorCode(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') return { is: 'missing' }
    return { is: 'unreadable', cause: code ?? String(cause) }
  }
}

async function readDeep(ctx: VerifyContext, row: BlobRow): Promise<BlobState> {
  const whole = wholeChecksums(ctx, row.id)
  const state = await readBlob(ctx.layout.path(row.id), row, {
    signal: ctx.signal,
    each(bytes) {
      ctx.report.count('bytes', bytes.length)
      whole.update(bytes)
    },
  })
  if (state.is === 'intact' || state.is === 'appended') whole.settle(state.md5)
  return state
}

async function tell(ctx: VerifyContext, row: BlobRow, state: BlobState): Promise<void> {
  const { kind, detail } = describe(ctx, row, state)
  const users = usersOf(ctx.db, row.id)
  const outcome = ctx.repair ? await repairBlob(ctx, row, { kind, detail, users }) : { repair: 'left' as const }
  const { bucket, key, uploadId, partNumber } = users[0] ?? {}
  ctx.report.problem({
    kind,
    blob: row.id,
    ...(bucket !== undefined && { bucket, key: key! }),
    ...(uploadId !== undefined && { uploadId, partNumber: partNumber! }),
    detail: [detail, users.length > 1 ? `also used by ${users.length - 1} more` : '', outcome.failure ?? '']
      .filter((text) => text !== '')
      .join('; '),
    repair: outcome.repair,
  })
}

type Found = { kind: ProblemKind; detail: string; users: ReturnType<typeof usersOf> }

async function repairBlob(ctx: VerifyContext, row: BlobRow, found: Found): ReturnType<typeof quarantine> {
  if (found.kind === 'blob-appended') return trimToCopy(ctx, row, found)
  if (found.kind === 'blob-damaged' || found.kind === 'blob-size') {
    if (!isLocked(ctx.db, row.id)) return quarantine(ctx, row, found)
    return { repair: 'left', failure: 'an object lock protects it, so it was not moved to quarantine' }
  }
  return { repair: 'left' }
}

function describe(
  { layout }: VerifyContext,
  { id, size }: BlobRow,
  state: BlobState,
): Pick<Problem, 'detail'> & {
  kind: ProblemKind
} {
  switch (state.is) {
    case 'appended':
      return {
        kind: 'blob-appended',
        detail: `the file has ${state.size} bytes, and the object ends after ${size}. Bytes were appended to it`,
      }
    case 'size':
      return { kind: 'blob-size', detail: `the file has ${state.size} bytes instead of ${size}` }
    case 'damaged':
      return { kind: 'blob-damaged', detail: `the bytes from offset ${state.at} on differ from the stored ones` }
    case 'unreadable':
      return {
        kind: 'blob-unreadable',
        detail: `the file ${cannotOpen(layout.path(id), { code: state.cause }, { to: 'read' })}`,
      }
    default:
      return isThere(layout.quarantined(id))
        ? { kind: 'blob-quarantined', detail: 'the damaged bytes are already in quarantine' }
        : { kind: 'blob-missing', detail: 'the file with these bytes is missing' }
  }
}
