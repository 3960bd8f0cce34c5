/** URLs of a file's bytes for `<img>`, `<video>` and `<audio>`. */
import { useEffect, useState } from 'react'
import { contentUrl, getDownload } from '../api.ts'
import type { FileRecord } from '../api.ts'
import { session } from '../session.ts'
import { useStore } from '../store.ts'

/** Presigned URLs by file id, reused until shortly before they expire. */
const signed = new Map<string, { url: Promise<string>; until: number }>()

export function signedUrl(id: string): Promise<string> {
  const known = signed.get(id)
  if (known && Date.now() < known.until) return known.url
  const entry = { url: Promise.resolve(''), until: Date.now() + 60_000 }
  entry.url = getDownload(id, { disposition: 'inline' }).then((d) => {
    entry.until = Date.now() + Math.max(0, d.expiresIn - 60) * 1000
    return d.downloadUrl
  })
  entry.url.catch(() => signed.delete(id))
  signed.set(id, entry)
  return entry.url
}

/**
 * Media elements send no Authorization header. With a token they get a presigned URL. Without a token (or with a
 * cookie) they use the server's redirect. null until known.
 */
export function useMediaUrl(file: FileRecord, wanted: boolean): string | null {
  const { token } = useStore(session)
  const [presigned, setPresigned] = useState<{ id: string; url: string } | null>(null)
  useEffect(() => {
    if (!wanted || !token) return undefined
    let current = true
    signedUrl(file.id).then(
      (url) => current && setPresigned({ id: file.id, url }),
      () => undefined, // on failure the icon stays
    )
    return () => {
      current = false
    }
  }, [file.id, token, wanted])
  if (!wanted) return null
  if (!token) return contentUrl(file.id)
  return presigned?.id === file.id ? presigned.url : null
}
