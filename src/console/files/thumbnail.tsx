import { useState } from 'react'
import type { FileRecord } from '../api.ts'
import { TypeIcon } from '../components/type-icon.tsx'
import { useMediaUrl } from './media-url.ts'

const shown = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif'])
/** Beyond this a picture costs more than its thumbnail is worth. */
const maxThumbnailBytes = 12 * 2 ** 20

/** Only what is near the window is mounted, so what is mounted may be loaded. */
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
