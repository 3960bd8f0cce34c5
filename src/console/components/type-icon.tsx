import { File, FileArchive, FileText, Film, Image, Music, Sheet } from 'lucide-react'
import type { LucideIcon } from 'lucide-react'
import { createElement } from 'react'

/** Decorative. The type is also shown as text. */
export const TypeIcon = ({ mimeType }: { mimeType: string }) => createElement(iconOfType(mimeType))

export function iconOfType(mimeType: string): LucideIcon {
  const [family] = mimeType.split('/')
  if (family === 'image') return Image
  if (family === 'video') return Film
  if (family === 'audio') return Music
  if (/zip|tar|gzip|compressed/.test(mimeType)) return FileArchive
  if (/csv|sheet|excel/.test(mimeType)) return Sheet
  return family === 'text' || /json|xml|pdf|document/.test(mimeType) ? FileText : File
}
