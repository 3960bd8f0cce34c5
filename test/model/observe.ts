/** What can be seen from outside, held against everything that was promised and everything seen before. */
import { strict as assert } from 'node:assert'
import { call, type Json } from '../api/caller.ts'
import { quota, users, type Known, type User, type World } from './world.ts'

type Listed = { id: string; status: string; size: number | null; key: string }

/** `exactly`: the steps before ran one by one, so that each file's status is known beforehand. */
export async function observe(world: World, exactly: boolean): Promise<void> {
  for (const user of users) {
    const listed = await listAll(world, user)
    checkList(world, user, listed, exactly)
    await checkUsage(world, user, listed)
  }
  await Promise.all(world.known.filter(({ seenGone }) => !seenGone).map((file) => checkServed(world, file)))
}

async function listAll(world: World, user: User): Promise<Listed[]> {
  const all: Listed[] = []
  let cursor = ''
  do {
    const { status, json } = await world.callers[user].get(`/files?limit=3${cursor && `&cursor=${cursor}`}`)
    assert.equal(status, 200)
    all.push(...(json.files as unknown as Listed[]))
    cursor = encodeURIComponent(String(json['nextCursor' as never] ?? ''))
  } while (cursor !== '' && cursor !== 'null')
  return all
}

/** Nobody's but the user's own, and states that only move as allowed. */
function checkList(world: World, user: User, listed: Listed[], exactly: boolean): void {
  const own = world.known.filter(({ owner }) => owner === user)
  for (const { id } of listed)
    assert.ok(
      own.some((file) => file.id === id),
      `${user} sees a file that is not theirs: ${id}`,
    )
  for (const file of own) {
    const now = (listed.find(({ id }) => id === file.id)?.status ?? 'gone') as Known['status']
    if (exactly) assert.equal(now, file.status, `${file.kind} ${file.id}`)
    assert.ok(nextOf[file.status].includes(now), `${file.id} went from ${file.status} to ${now}`)
    const early = file.status === 'pending' && now === 'gone' && file.confirmBy > world.now()
    if (early && exactly) assert.fail(`${file.id} was gone before its time`)
    file.status = now
  }
}

const nextOf: Record<Known['status'], Known['status'][]> = {
  pending: ['pending', 'confirmed', 'gone'],
  confirmed: ['confirmed', 'gone'],
  gone: ['gone'],
}

/** Sums over what is there, never more than the quota. */
async function checkUsage(world: World, user: User, listed: Listed[]): Promise<void> {
  const { json } = await world.callers[user].get('/files/usage')
  const usage = json as unknown as Record<'bytes' | 'files' | 'reservedBytes' | 'reservedFiles', number>
  const confirmed = listed.filter(({ status }) => status === 'confirmed')
  const pending = world.known.filter(({ owner, status }) => owner === user && status === 'pending')
  assert.equal(usage.files, confirmed.length)
  const stored = confirmed.reduce((sum, { size }) => sum + (size ?? 0), 0)
  // Bytes of a public upload that are there before it is confirmed are stored ones, and are not reserved any more.
  const open = pending.filter(({ isPublic }) => isPublic)
  const written = usage.bytes - stored
  assert.ok(written >= 0 && written <= open.reduce((sum, { reserved }) => sum + reserved, 0), `${written} written`)
  assert.equal(usage.reservedFiles, pending.length)
  const declared = pending.reduce((sum, file) => sum + (file.declared ?? 0), 0)
  const granted = usage.reservedBytes + written
  assert.ok(granted >= declared, `${granted} granted for ${declared}`)
  if (pending.every((file) => file.declared !== null)) assert.equal(granted, declared)
  assert.ok(usage.bytes + usage.reservedBytes <= quota.userBytes, `overdrawn: ${JSON.stringify(usage)}`)
  assert.ok(usage.files + usage.reservedFiles <= quota.userFiles, `overdrawn: ${JSON.stringify(usage)}`)
  world.usage[user] = json
}

async function checkServed(world: World, file: Known): Promise<void> {
  const [mine, theirs] = file.owner === 'alice' ? (['alice', 'bob'] as const) : (['bob', 'alice'] as const)
  const paths = [`/files/${file.id}`, `/files/${file.id}/download-url`, `/files/${file.id}/content`]
  const foreign = await Promise.all(paths.map((path) => world.callers[theirs].get(path)))
  assert.deepEqual(
    foreign.map(({ status }) => status),
    [404, 404, 404],
    'seen by a stranger',
  )

  file.seenGone = file.status === 'gone'
  const issued = await world.callers[mine].get(`/files/${file.id}/download-url`)
  assert.equal(issued.status, { pending: 409, confirmed: 200, gone: 404 }[file.status])
  if (file.status === 'confirmed') await checkContent(world, file, issued.json)
  if (file.publicUrl !== null && file.status !== 'pending') {
    const shown = await call(file.publicUrl, {})
    if (file.status === 'gone') assert.equal(shown.status, 404, `a file that is gone is shown: ${shown.text}`)
    else assert.deepEqual([shown.status, shown.text], [200, file.content])
  }
}

async function checkContent(world: World, file: Known, { downloadUrl }: Json): Promise<void> {
  const { status, text, headers } = await call(downloadUrl, {})
  assert.equal(status, 200, text)
  file.content ??= text
  assert.equal(text, file.content, 'the bytes of a confirmed file have changed')
  assert.ok(file.sent.has(text), 'bytes that nobody sent')
  assert.equal(headers.get('x-content-type-options'), 'nosniff')
  assert.match(headers.get('content-security-policy') ?? '', /sandbox/)
  const { json } = await world.callers[file.owner].get(`/files/${file.id}`)
  assert.equal((json as unknown as Listed).size, Buffer.byteLength(text))
  if (file.declared !== null) assert.equal(text.length, file.declared)
}
