import { useState } from 'react'
import type { FileRecord } from '../api.ts'
import { TypeIcon } from '../components/type-icon.tsx'
import { useMediaUrl } from './media-url.ts'

const shown = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'])
/** Larger images are not worth downloading for a thumbnail. */
const maxThumbnailBytes = 12 * 2 ** 20

/** Only files near the viewport are mounted, so a mounted thumbnail may load at once. */
export function Thumbnail({ file }: { file: FileRecord }) {
  const [failed, setFailed] = useState(false)
  const url = useMediaUrl(file, shown.has(file.mimeType) && (file.size ?? 0) <= maxThumbnailBytes)
  return (
    <span className="thumbnail" data-family={file.mimeType.split('/')[0]}>
      {url && !failed ? (
        <img src={url} alt="" decoding="async" loading="lazy" onError={() => setFailed(true)} />
      ) : (
        <TypeIcon mimeType={file.mimeType} />
      )}
    </span>
  )
}
