/** What outlives the page: which uploads in parts were begun. Where nothing can be kept, nothing is resumed. */
import { createStore, del, set, values, type UseStore } from 'idb-keyval'
import type { Source } from './source.ts'
import type { ResumeRecord } from './types.ts'

/** Longer ago, the server has removed it. */
const longestMs = 7 * 24 * 3600 * 1000

let opened: UseStore | undefined
const store = (): UseStore => (opened ??= createStore('postern', 'uploads'))

/** Ids that a task of this page works at: two tasks never share an upload. */
const claimed = new Set<string>()

/** A browser may deny storage, e.g. in a private window. */
async function tolerant<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work()
  } catch {
    return otherwise
  }
}

/** Oldest first, without those that are at work here. */
export async function pending(baseUrl: string): Promise<ResumeRecord[]> {
  const all = await tolerant(() => values<ResumeRecord>(store()), [])
  const isAlive = ({ startedAt }: ResumeRecord) => Date.now() - startedAt < longestMs
  await Promise.all(all.filter((r) => !isAlive(r)).map((r) => forget(r)))
  return all
    .filter((r) => isAlive(r) && r.baseUrl === baseUrl && !claimed.has(r.id))
    .toSorted((a, b) => a.startedAt - b.startedAt)
}

/** Keeps and claims it. null for what has no identity to be found again by. */
export async function remember(
  baseUrl: string,
  source: Source,
  o: { id: string; partSize: number },
): Promise<ResumeRecord | null> {
  if (!source.isFile) return null
  const record = {
    ...o,
    baseUrl,
    filename: source.name,
    size: source.size,
    mimeType: source.type,
    fingerprint: await source.check(),
    startedAt: Date.now(),
  }
  claimed.add(o.id)
  await tolerant(() => set(o.id, record, store()), undefined)
  return record
}

/** The record of this very file, which no other task gets from here on. */
export async function claim(baseUrl: string, source: Source): Promise<ResumeRecord | null> {
  if (!source.isFile) return null
  const candidates = (await pending(baseUrl)).filter((r) => r.size === source.size && r.filename === source.name)
  if (!candidates[0]) return null
  const fingerprint = await source.check()
  const record = candidates.find((r) => r.fingerprint === fingerprint && !claimed.has(r.id))
  if (record) claimed.add(record.id)
  return record ?? null
}

export const take = ({ id }: ResumeRecord): void => void claimed.add(id)
export const release = ({ id }: ResumeRecord): void => void claimed.delete(id)

export async function forget(record: ResumeRecord): Promise<void> {
  await tolerant(() => del(record.id, store()), undefined)
  release(record)
}
