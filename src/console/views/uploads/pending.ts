/** Unfinished uploads as `GET /console/uploads` returns them, and their descriptions. */
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
  /** The declared size. */
  size: number | null
  urlExpiresAt: string | null
  /** When it will be deleted unless it is confirmed. */
  expiresAt: string | null
  autoConfirm: boolean
  multipart: { partSize: number; partCount: number | null } | null
} & Progress

export type PendingPage = { uploads: Pending[]; nextCursor: string | null }

export function stateInWords(upload: Pending): string {
  switch (upload.state) {
    case 'never-sent':
      return 'No data received'
    case 'being-sent':
      return 'Receiving data'
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

/** Describes what is missing and what must happen next. */
export function describeMissing(upload: Pending, now: Date): string {
  const ended = upload.urlExpiresAt !== null && new Date(upload.urlExpiresAt) < now
  switch (upload.state) {
    case 'never-sent':
      return ended ? 'The URL has expired. Request a new one.' : 'The upload URL is still valid.'
    case 'being-sent':
      return 'Receiving data now.'
    case 'not-confirmed':
      return upload.autoConfirm
        ? `${formatBytes(upload.storedBytes)} stored. The server confirms it the next time it checks.`
        : `${formatBytes(upload.storedBytes)} stored. Confirm it to keep the file.`
    case 'in-parts':
      return missingParts(upload)
    case 'lost':
      return 'The store no longer has this upload. Abort it and start a new one.'
    default:
      return 'The store did not report what it has. See the server log for the reason.'
  }
}

const partCount = ({ multipart }: Pending): number | null => multipart?.partCount ?? null

function missingParts(upload: Pending & { state: 'in-parts' }): string {
  const { storedParts, storedBytes, size } = upload
  const count = partCount(upload)
  const bytes = size === null ? formatBytes(storedBytes) : `${formatBytes(storedBytes)} of ${formatBytes(size)}`
  if (count === null) return `${plural(storedParts, 'part')} stored, ${bytes}. The total number of parts is not known.`
  if (storedParts === count) return `All ${count} parts stored, ${bytes}. Complete the upload to create the file.`
  return `${storedParts} of ${count} parts stored, ${bytes}. Missing: ${gaps(upload.stored, count).join(', ')}.`
}

const maxGaps = 6

/** `4–8`, `12`: ranges of missing part numbers. */
export function gaps(stored: readonly [number, number][], count: number): string[] {
  const found: string[] = []
  let next = 1
  for (const [first, last] of [...stored, [count + 1, count + 1] as const]) {
    if (first > next) found.push(first - 1 === next ? `${next}` : `${next}–${first - 1}`)
    next = last + 1
  }
  return found.length > maxGaps ? [...found.slice(0, maxGaps), `${found.length - maxGaps} more ranges`] : found
}

/** For the part map. null if the number of parts is not known. */
export function partsOf(upload: Pending): PartProgress | null {
  const total = partCount(upload)
  if (upload.state !== 'in-parts' || total === null) return null
  const stored = new Set<number>()
  for (const [first, last] of upload.stored) for (let n = first; n <= Math.min(last, total); n++) stored.add(n)
  return { done: stored.size, total, size: upload.multipart?.partSize ?? 1, stored, sending: [] }
}

/** The upload as a file record, for the list of files. */
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

/** `in 23 h`, `in 4 min`. null if the time has passed. */
export function formatUntil(iso: string, now: Date): string | null {
  const seconds = Math.round((new Date(iso).getTime() - now.getTime()) / 1000)
  if (seconds <= 0) return null
  if (seconds < 90) return `in ${seconds} s`
  if (seconds < 90 * 60) return `in ${Math.round(seconds / 60)} min`
  return seconds < 48 * 3600 ? `in ${Math.round(seconds / 3600)} h` : `in ${Math.round(seconds / 86_400)} days`
}
