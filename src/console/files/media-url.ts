/** Where `<img>`, `<video>` and `<audio>` find the bytes of a file. */
import { useEffect, useState } from 'react'
import { contentUrl, getDownload } from '../api.ts'
import type { FileRecord } from '../api.ts'
import { session } from '../session.ts'
import { useStore } from '../store.ts'

/** Presigned URLs by file, used until shortly before they end. */
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
 * Elements send no Authorization header, so with a token they get a presigned URL; without a token (or with a cookie)
 * the server's redirect does. null until it is known.
 */
export function useMediaUrl(file: FileRecord, wanted: boolean): string | null {
  const { token } = useStore(session)
  const [presigned, setPresigned] = useState<{ id: string; url: string } | null>(null)
  useEffect(() => {
    if (!wanted || !token) return undefined
    let current = true
    signedUrl(file.id).then(
      (url) => current && setPresigned({ id: file.id, url }),
      () => undefined, // the icon stays
    )
    return () => {
      current = false
    }
  }, [file.id, token, wanted])
  if (!wanted) return null
  if (!token) return contentUrl(file.id)
  return presigned?.id === file.id ? presigned.url : null
}
