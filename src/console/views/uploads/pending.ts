/** Uploads that are not confirmed, as `GET /console/uploads` tells them, and what there is to say of them. */
import type { PartProgress } from '../../../client/index.ts'
import type { FileRecord } from '../../api.ts'
import { formatBytes, plural } from '../../format.ts'

type Progress =
  | { state: 'never-sent' | 'being-sent' | 'lost' | 'unknown' }
  | { state: 'not-confirmed'; storedBytes: number }
  | { state: 'in-parts'; storedBytes: number; storedParts: number; stored: [first: number, last: number][] }

export type Pending = {
  id: string
  key: string
  filename: string
  mimeType: string
  visibility: 'private' | 'public'
  createdAt: string
  method: 'PUT' | 'POST' | 'MULTIPART' | null
  /** As declared. */
  size: number | null
  urlExpiresAt: string | null
  /** When it is removed, unless it is confirmed. */
  expiresAt: string | null
  autoConfirm: boolean
  multipart: { partSize: number; partCount: number | null } | null
} & Progress

export type PendingPage = { uploads: Pending[]; nextCursor: string | null }

export function stateInWords(upload: Pending): string {
  switch (upload.state) {
    case 'never-sent':
      return 'Nothing sent'
    case 'being-sent':
      return 'Being sent'
    case 'not-confirmed':
      return upload.autoConfirm ? 'Stored' : 'Stored, not confirmed'
    case 'in-parts':
      return partCount(upload) === upload.storedParts ? 'All parts stored' : 'Parts missing'
    case 'lost':
      return 'Lost'
    default:
      return 'Unknown'
  }
}

/** What is missing, and what has to happen. */
export function whatIsMissing(upload: Pending, now: Date): string {
  const ended = upload.urlExpiresAt !== null && new Date(upload.urlExpiresAt) < now
  switch (upload.state) {
    case 'never-sent':
      return ended
        ? 'No byte has come, and the URL has ended: ask for a new one.'
        : 'No byte has come. Its URL still works.'
    case 'being-sent':
      return 'Bytes are coming in now.'
    case 'not-confirmed':
      return upload.autoConfirm
        ? `${formatBytes(upload.storedBytes)} stored. It counts as confirmed with the next look at the files.`
        : `${formatBytes(upload.storedBytes)} stored. POST /files/confirm makes it a file.`
    case 'in-parts':
      return missingParts(upload)
    case 'lost':
      return 'The store does not know this upload any more: abort it and begin a new one.'
    default:
      return 'The store did not say what it has. The log of the server says why.'
  }
}

const partCount = ({ multipart }: Pending): number | null => multipart?.partCount ?? null

function missingParts(upload: Pending & { state: 'in-parts' }): string {
  const { storedParts, storedBytes, size } = upload
  const count = partCount(upload)
  const bytes = size === null ? formatBytes(storedBytes) : `${formatBytes(storedBytes)} of ${formatBytes(size)}`
  if (count === null) return `${plural(storedParts, 'part')} stored, ${bytes}. How many there will be is not known.`
  if (storedParts === count) return `All ${count} parts stored, ${bytes}. Completing joins them.`
  return `${storedParts} of ${count} parts stored, ${bytes}. Missing: ${gaps(upload.stored, count).join(', ')}.`
}

const mostGaps = 6

/** `4–8`, `12`: the runs of part numbers that are not stored. */
export function gaps(stored: readonly [number, number][], count: number): string[] {
  const found: string[] = []
  let next = 1
  for (const [first, last] of [...stored, [count + 1, count + 1] as const]) {
    if (first > next) found.push(first - 1 === next ? `${next}` : `${next}–${first - 1}`)
    next = last + 1
  }
  return found.length > mostGaps ? [...found.slice(0, mostGaps), `${found.length - mostGaps} more runs`] : found
}

/** For the part map; null where the number of parts is not known. */
export function partsOf(upload: Pending): PartProgress | null {
  const total = partCount(upload)
  if (upload.state !== 'in-parts' || total === null) return null
  const stored = new Set<number>()
  for (const [first, last] of upload.stored) for (let n = first; n <= Math.min(last, total); n++) stored.add(n)
  return { done: stored.size, total, size: upload.multipart?.partSize ?? 1, stored, sending: [] }
}

/** As the list of files would have it. */
export const asFile = (upload: Pending): FileRecord => ({
  id: upload.id,
  key: upload.key,
  filename: upload.filename,
  mimeType: upload.mimeType,
  size: upload.size,
  checksum: null,
  visibility: upload.visibility,
  metadata: {},
  status: 'pending',
  createdAt: upload.createdAt,
  confirmedAt: null,
})

/** `in 23 h`, `in 4 min`; null once it has passed. */
export function formatUntil(iso: string, now: Date): string | null {
  const seconds = Math.round((new Date(iso).getTime() - now.getTime()) / 1000)
  if (seconds <= 0) return null
  if (seconds < 90) return `in ${seconds} s`
  if (seconds < 90 * 60) return `in ${Math.round(seconds / 60)} min`
  return seconds < 48 * 3600 ? `in ${Math.round(seconds / 3600)} h` : `in ${Math.round(seconds / 86_400)} days`
}
