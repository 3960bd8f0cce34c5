/** Uploaders that work concurrently and continue when the server restarts. */
import { setTimeout as sleep } from 'node:timers/promises'
import { makeCaller, json, send, sha256, type Caller } from './caller.ts'
import { FileOperations } from './file-operations.ts'
import { AcknowledgedChanges, type AcknowledgedFile } from './acknowledged-changes.ts'
import { Gate, RetryingClient, Violation } from './retrying-client.ts'
import type { SeededRandom } from './seeded-random.ts'
import { expectPromised, ObjectOperations } from './object-operations.ts'
import { bucket, type Installation } from './installation.ts'

type Work = 'small' | 'large' | 'parts' | 'delete' | 'read'
/** How often each is done, relative to the others: with objects over S3, and with files over the JSON API. */
export type Mix = { objects: Record<Work, number>; files: Record<Work, number> }

export type Workload = {
  gate: Gate
  acknowledged: AcknowledgedChanges
  client: RetryingClient
  /** What was not as promised; the uploader that noticed has stopped. */
  violations: string[]
  /** Of objects and files that changed since the last call, or all: as promised? What is not is a violation. */
  verify(what: 'changed' | 'all'): Promise<{ checked: number }>
  continued(): number
  /** Opens the gate until so many changes more are acknowledged, or an uploader has stopped; closing it is the caller's. */
  workFor(changes: number): Promise<void>
  /** Each ends with what it is at. The server must be up. */
  finish(): Promise<void>
}

export async function startWorkload(
  installation: Installation,
  o: { uploaders: number; mix: Mix; random: SeededRandom },
): Promise<Workload> {
  const gate = new Gate()
  const acknowledged = new AcknowledgedChanges()
  const client = new RetryingClient(gate, acknowledged)
  const violations: string[] = []
  const callers = new Map<string, Caller>()
  const works: { continued: number }[] = []
  const ending = new AbortController()

  const note = (error: unknown): void => {
    violations.push(error instanceof Error ? error.message : String(error))
  }

  async function upload(name: string): Promise<void> {
    const random = o.random.split(name)
    const deps = { caller: callers.get(name)!, client, acknowledged, random }
    const objects = new ObjectOperations(deps)
    const files = new FileOperations(deps)
    works.push(objects, files)
    const turns = [...turnsOf(objects, o.mix.objects), ...turnsOf(files, o.mix.files)]
    while (!ending.signal.aborted) await random.pick(turns)()
  }

  for (let i = 1; i <= o.uploaders; i++) callers.set(`user-${i}`, await makeCaller(installation, `user-${i}`))
  const uploading = [...callers.keys()].map((name) => upload(name).catch(note))

  return {
    gate,
    acknowledged,
    client,
    violations,
    verify: (what) => verify({ callers, acknowledged, note }, what),
    continued: () => works.reduce((sum, { continued }) => sum + continued, 0),
    async workFor(changes) {
      const enough = acknowledged.acknowledged + changes
      gate.open()
      let last = { acknowledged: acknowledged.acknowledged, at: performance.now() }
      while (acknowledged.acknowledged < enough && violations.length === 0) {
        if (acknowledged.acknowledged > last.acknowledged) {
          last = { acknowledged: acknowledged.acknowledged, at: performance.now() }
        }
        if (performance.now() > last.at + 60_000) throw new Error('the server acknowledges nothing')
        await sleep(1)
      }
    },
    async finish() {
      ending.abort()
      await Promise.all(uploading)
    },
  }
}

/** Makes the bucket; a server must be up. */
export async function makeBucket(installation: Installation): Promise<void> {
  const caller = await makeCaller(installation, 'owner')
  const { status, body } = await send(await caller.s3('PUT', ''))
  if (status !== 200) throw new Error(`the bucket ${bucket} could not be made: ${status} ${body.toString()}`)
}

const turnsOf = (works: Record<Work, () => Promise<void>>, mix: Record<Work, number>): (() => Promise<void>)[] =>
  Object.entries(mix).flatMap(([work, times]) => Array.from({ length: times }, () => () => works[work as Work]()))

type Verification = { callers: Map<string, Caller>; acknowledged: AcknowledgedChanges; note: (error: unknown) => void }

async function verify(
  { callers, acknowledged, note }: Verification,
  what: 'changed' | 'all',
): Promise<{ checked: number }> {
  const changed = acknowledged.takeChanged()
  const isDue = (name: string): boolean => what === 'all' || changed.has(name)
  const [anyone] = callers.values()
  const objects = [...acknowledged.objects].filter(([key]) => isDue(key))
  const files = [...acknowledged.files.values()].filter(({ id }) => isDue(id))
  const checks = [
    ...objects.map(([key, promised]) => async () => {
      const { status, body } = await send(await anyone!.s3('GET', key))
      if (status !== 200 && status !== 404) throw new Violation(`${key}: ${status} ${body.toString()}`)
      expectPromised(promised, status === 200 ? sha256(body) : null, key)
    }),
    ...files.map((file) => async () => {
      expectPromised(file.promised, await readFile(callers.get(file.user)!, file), `the file ${file.id}`)
    }),
    ...[...new Set(files.map(({ user }) => user))].map((user) => () => expectListed(callers.get(user)!, acknowledged)),
  ]
  await inParallel(checks, note)
  return { checked: objects.length + files.length }
}

async function readFile(caller: Caller, { id }: AcknowledgedFile): Promise<string | null> {
  const issued = await send(caller.api('GET', `/files/${id}/download-url`))
  // Its bytes may be there and its confirmation under way.
  if (issued.status === 404 || issued.status === 409) return null
  if (issued.status !== 200) throw new Violation(`the file ${id}: ${issued.status} ${issued.body.toString()}`)
  const { status, body } = await send({ method: 'GET', url: json<{ downloadUrl: string }>(issued).downloadUrl })
  if (status !== 200) throw new Violation(`the bytes of the file ${id}: ${status} ${body.toString()}`)
  return sha256(body)
}

/** The list of a user's files has every one that is confirmed, and none that is deleted. */
async function expectListed(caller: Caller, acknowledged: AcknowledgedChanges): Promise<void> {
  const listed = new Set<string>()
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await send(caller.api('GET', `/files?limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`))
    const page = JSON.parse(body.toString()) as { files: { id: string; status: string }[]; nextCursor: string | null }
    for (const { id, status } of page.files) if (status === 'confirmed') listed.add(id)
    cursor = page.nextCursor
  }
  for (const { id, user, promised } of acknowledged.files.values()) {
    if (user !== caller.user) continue
    if (listed.has(id) && !promised.mayExist) throw new Violation(`the file ${id} is deleted and listed`)
    if (!listed.has(id) && !promised.allows(null)) throw new Violation(`the file ${id} is confirmed and not listed`)
  }
}

async function inParallel(checks: readonly (() => Promise<void>)[], note: (error: unknown) => void): Promise<void> {
  const left = checks.values()
  const lane = async (): Promise<void> => {
    for (const check of left) await check().catch(note)
  }
  await Promise.all(Array.from({ length: 16 }, lane))
}
