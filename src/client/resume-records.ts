/** Unfinished multipart uploads, kept in IndexedDB. Without storage nothing is resumed. */
import { createStore, del, set, values, type UseStore } from 'idb-keyval'
import type { Source } from './source.ts'
import type { ResumeRecord } from './types.ts'

/** Older uploads have been deleted by the server. */
const maxAgeMs = 7 * 24 * 3600 * 1000

let opened: UseStore | undefined
const store = (): UseStore => (opened ??= createStore('postern', 'uploads'))

/** Ids of uploads that a task of this page uses. Two tasks never share an upload. */
const claimed = new Set<string>()

/** Browsers may deny storage, for example in a private window. */
async function ignoringErrors<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work()
  } catch {
    return otherwise
  }
}

/** Oldest first, without uploads in use on this page. */
export async function pending(baseUrl: string): Promise<ResumeRecord[]> {
  const all = await ignoringErrors(() => values<ResumeRecord>(store()), [])
  const isAlive = ({ startedAt }: ResumeRecord) => Date.now() - startedAt < maxAgeMs
  await Promise.all(all.filter((r) => !isAlive(r)).map((r) => forget(r)))
  return all
    .filter((r) => isAlive(r) && r.baseUrl === baseUrl && !claimed.has(r.id))
    .toSorted((a, b) => a.startedAt - b.startedAt)
}

/** Stores and claims the record. null if the source has no identity to find it by again. */
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
  await ignoringErrors(() => set(o.id, record, store()), undefined)
  return record
}

/** Finds and claims the record of this file. */
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
  await ignoringErrors(() => del(record.id, store()), undefined)
  release(record)
}
