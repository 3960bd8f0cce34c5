/** The Worker for checksum.ts. Keeps the page responsive while a file is hashed. */
import { sha256Of } from './sha256.ts'

export interface Ask {
  id: number
  /** Without a blob the hash is no longer wanted. */
  blob?: Blob
}
export interface Answer {
  id: number
  value?: string
  error?: unknown
}

const wanted = new Set<number>()
const answer = globalThis.postMessage as (answer: Answer) => void

globalThis.addEventListener('message', ({ data: { id, blob } }: MessageEvent<Ask>) => {
  wanted.delete(id)
  if (!blob) return
  wanted.add(id)
  void sha256Of(blob, () => wanted.has(id))
    .then(
      (value) => answer({ id, value }),
      (error: unknown) => answer({ id, error }),
    )
    .finally(() => wanted.delete(id))
})
