/** The steps that are granted an upload, and what is known of it from then on. */
import { textFile, type Json } from '../api/caller.ts'
import type { Acted, StepOf } from './step.ts'
import { confirmWithin, maxPending, maxSize, quota, type Known, type World } from './world.ts'

export async function create(world: World, step: StepOf<'create'>): Promise<Acted> {
  const { by, bytes, declared, isPublic, autoConfirm, expiresIn } = step
  const reserved = reservation(world, step.by, declared ? bytes : null)
  const answer = await world.callers[by].post('/files/upload-url', {
    ...textFile,
    ...(declared ? { size: bytes } : {}),
    visibility: isPublic ? 'public' : 'private',
    autoConfirm,
    expiresIn,
  })
  const size = declared ? bytes : null
  if (answer.status === 200) {
    const file = remember(world, step.by, answer.json, { kind: 'put', declared: size, reserved: reserved.bytes })
    Object.assign(file, { isPublic, autoConfirm, publicUrl: answer.json.publicUrl ?? null })
    noteUrl(file, answer.json)
  }
  return { status: answer.status, text: answer.text, allowed: [reserved.status] }
}

export async function begin(world: World, step: StepOf<'begin'>): Promise<Acted> {
  const reserved = reservation(world, step.by, step.bytes)
  const answer = await world.callers[step.by].post('/files/multipart', { ...textFile, size: step.bytes })
  if (answer.status === 200) {
    const file = remember(world, step.by, answer.json, {
      kind: 'multipart',
      declared: step.bytes,
      reserved: step.bytes,
    })
    file.confirmBy = Date.parse(answer.json['expiresAt' as never])
  }
  return { status: answer.status, text: answer.text, allowed: [reserved.status] }
}

/** The catalog's arithmetic, over what the user was last seen to use. */
function reservation(world: World, user: keyof World['usage'], size: number | null): { status: number; bytes: number } {
  const used = world.usage[user] as unknown as Record<'bytes' | 'files' | 'reservedBytes' | 'reservedFiles', number>
  if (used.reservedFiles >= maxPending) return { status: 429, bytes: 0 }
  if (used.files + used.reservedFiles >= quota.userFiles) return { status: 403, bytes: 0 }
  const left = quota.userBytes - used.bytes - used.reservedBytes
  const bytes = size ?? Math.min(maxSize, left)
  return { status: bytes > left || left <= 0 ? 403 : 200, bytes }
}

function remember(
  world: World,
  owner: Known['owner'],
  { id, key }: Json,
  o: Pick<Known, 'kind' | 'declared' | 'reserved'>,
): Known {
  const file: Known = {
    id,
    key,
    owner,
    ...o,
    isPublic: false,
    autoConfirm: false,
    publicUrl: null,
    status: 'pending',
    urls: [],
    sent: new Set(),
    stored: null,
    content: null,
    seenGone: false,
    confirmBy: 0,
  }
  world.known.push(file)
  return file
}

export function noteUrl(file: Known, { uploadUrl, headers, expiresAt }: Json): void {
  const at = Date.parse(expiresAt)
  file.urls.push({ uploadUrl, headers, expiresAt: at })
  file.confirmBy = Math.max(file.confirmBy, at + confirmWithin * 1000)
}
