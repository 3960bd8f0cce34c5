import { useEffect, useRef, useState } from 'react'
import { contentUrl, getDownload } from '../api.ts'
import type { FileRecord } from '../api.ts'
import { session } from '../session.ts'
import { useStore } from '../store.ts'
import { Icon, iconOfType } from './icons.tsx'

const shown = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'])
/** Beyond this a picture costs more than its thumbnail is worth. */
const maxThumbnailBytes = 12 * 2 ** 20

/** Presigned URLs by file, used until shortly before they end. */
const signed = new Map<string, { url: Promise<string>; until: number }>()

function signedUrl(id: string): Promise<string> {
  const known = signed.get(id)
  if (known && Date.now() < known.until) return known.url
  const entry = { url: Promise.resolve(''), until: Date.now() + 60_000 }
  entry.url = getDownload(id, 'inline').then((d) => {
    entry.until = Date.now() + Math.max(0, d.expiresIn - 60) * 1000
    return d.downloadUrl
  })
  entry.url.catch(() => signed.delete(id))
  signed.set(id, entry)
  return entry.url
}

/**
 * A URL for `<img>`, `<video>` and `<audio>`: these send no Authorization header, so with a token it is a presigned
 * one; without a token (or with a cookie) the server's redirect does. null until it is known.
 */
export function useMediaUrl(file: FileRecord, wanted: boolean): string | null {
  const { token } = useStore(session)
  const [presigned, setPresigned] = useState<{ id: string; url: string } | null>(null)
  useEffect(() => {
    if (!wanted || !token) return
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

export function Thumbnail({ file }: { file: FileRecord }) {
  const box = useRef<HTMLSpanElement>(null)
  const [visible, setVisible] = useState(false)
  const [failed, setFailed] = useState(false)
  const picture = shown.has(file.mimeType) && (file.size ?? 0) <= maxThumbnailBytes && file.status === 'confirmed'
  const url = useMediaUrl(file, picture && visible)
  useEffect(() => {
    if (!picture || !box.current) return
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((e) => e.isIntersecting)) setVisible(true)
      },
      { rootMargin: '200px' },
    )
    observer.observe(box.current)
    return () => observer.disconnect()
  }, [picture])
  return (
    <span className="thumbnail" ref={box}>
      {url && !failed ? (
        <img src={url} alt="" decoding="async" onError={() => setFailed(true)} />
      ) : (
        <Icon name={iconOfType(file.mimeType)} />
      )}
    </span>
  )
}
