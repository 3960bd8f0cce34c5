/** Drawn for this page on a 20-unit grid, 1.5 units of stroke. All are ornaments: the words stand beside or in a label. */
import type { ReactNode } from 'react'

const paths = {
  upload: <path d="M10 13.5V3.5m0 0L6 7.5m4-4 4 4M3.5 13v2A1.5 1.5 0 0 0 5 16.5h10a1.5 1.5 0 0 0 1.5-1.5v-2" />,
  download: <path d="M10 3.5v10m0 0 4-4m-4 4-4-4M3.5 13v2A1.5 1.5 0 0 0 5 16.5h10a1.5 1.5 0 0 0 1.5-1.5v-2" />,
  link: (
    <path d="M8.4 11.6a3 3 0 0 0 4.3 0l2.9-2.9a3 3 0 0 0-4.3-4.3l-1 1m1.3 3a3 3 0 0 0-4.3 0l-2.9 2.9a3 3 0 0 0 4.3 4.3l1-1" />
  ),
  trash: <path d="M4 5.5h12M8 5.5v-2h4v2m2.8 0-.6 11H5.8l-.6-11M8.3 8.7v4.8m3.4-4.8v4.8" />,
  open: (
    <path d="M8.5 4.5H5A1.5 1.5 0 0 0 3.5 6v9A1.5 1.5 0 0 0 5 16.5h9a1.5 1.5 0 0 0 1.5-1.5v-3.5M11.5 3.5h5v5m0-5-7.5 7.5" />
  ),
  search: (
    <>
      <circle cx="9" cy="9" r="5.2" />
      <path d="m13 13 3.5 3.5" />
    </>
  ),
  close: <path d="m5 5 10 10M15 5 5 15" />,
  retry: <path d="M15.8 8.2A6.2 6.2 0 1 0 16 11.6M16.3 4v4.3H12" />,
  check: <path d="m4.5 10.5 3.6 3.6 7.4-8" />,
  alert: <path d="M10 7v4m0 2.6v.1M10 3.3l7.3 13H2.7z" />,
  down: <path d="m5 7.5 5 5 5-5" />,
  code: <path d="m6.5 6-4 4 4 4m7-8 4 4-4 4M11.4 4.5l-2.8 11" />,
  keys: (
    <>
      <rect x="2.5" y="5" width="15" height="10" rx="1.5" />
      <path d="M5.5 8.2h.1m2.9 0h.1m2.9 0h.1m2.9 0h.1M6.5 12h7" />
    </>
  ),
  copy: (
    <>
      <rect x="7" y="7" width="9.5" height="9.5" rx="1.5" />
      <path d="M13 4.9A1.5 1.5 0 0 0 11.6 3.5H5A1.5 1.5 0 0 0 3.5 5v6.6A1.5 1.5 0 0 0 5 13" />
    </>
  ),
  system: (
    <>
      <circle cx="10" cy="10" r="6.2" />
      <path d="M10 3.8v12.4" />
      <path d="M10 3.8a6.2 6.2 0 0 1 0 12.4z" fill="currentColor" />
    </>
  ),
  light: (
    <>
      <circle cx="10" cy="10" r="3.2" />
      <path d="M10 2.5v1.6m0 11.8v1.6M2.5 10h1.6m11.8 0h1.6M4.7 4.7l1.1 1.1m8.4 8.4 1.1 1.1m0-10.6-1.1 1.1m-8.4 8.4-1.1 1.1" />
    </>
  ),
  dark: <path d="M16.5 11.4A6.8 6.8 0 1 1 8.6 3.5a5.4 5.4 0 0 0 7.9 7.9z" />,
  leave: <path d="M8 16.5H5A1.5 1.5 0 0 1 3.5 15V5A1.5 1.5 0 0 1 5 3.5h3m5 3 3.5 3.5-3.5 3.5m3.2-3.5H8" />,
  image: (
    <>
      <rect x="3" y="3.5" width="14" height="13" rx="1.5" />
      <circle cx="7.3" cy="7.8" r="1.3" />
      <path d="m3.5 14.5 4-3.8 2.6 2.4 3-3.3 3.6 3.7" />
    </>
  ),
  video: (
    <>
      <rect x="2.5" y="4.5" width="15" height="11" rx="1.5" />
      <path d="m8.5 7.6 4 2.4-4 2.4z" />
    </>
  ),
  audio: (
    <>
      <path d="M7.5 14.2V5.3l8-1.8v9" />
      <circle cx="5.7" cy="14.3" r="1.8" />
      <circle cx="13.7" cy="12.6" r="1.8" />
    </>
  ),
  archive: <path d="M3.5 3.5h13v3.4h-13zm1 3.4h11v8.1a1.5 1.5 0 0 1-1.5 1.5H6A1.5 1.5 0 0 1 4.5 15zm3.8 3h3.4" />,
  text: <path d="M5.5 2.8h6l3.5 3.5v10.9H5A.5.5 0 0 1 4.5 16.7V3.8a1 1 0 0 1 1-1zm5.8.2v3.5H15M7.3 9.8h5m-5 3h5" />,
  file: (
    <path d="M5.5 2.8h6l3.5 3.5v9.7a1.2 1.2 0 0 1-1.2 1.2H5.7A1.2 1.2 0 0 1 4.5 16V3.8a1 1 0 0 1 1-1zm5.8.2v3.5H15" />
  ),
} satisfies Record<string, ReactNode>

export type IconName = keyof typeof paths

export const Icon = ({ name }: { name: IconName }) => (
  <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
    {paths[name]}
  </svg>
)

/** The mark: an arched side gate, its door ajar. */
export const Mark = () => (
  <svg className="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path className="mark-arch" d="M6.5 27V14.5a9.5 9.5 0 0 1 19 0V27" />
    <path className="mark-door" d="M11.5 27V15.2a4.5 4.5 0 0 1 9 0V27l-5.8-2.6V12.3" />
    <path className="mark-arch" d="M3.5 27h25" />
  </svg>
)

export function iconOfType(mimeType: string): IconName {
  const [family] = mimeType.split('/')
  if (family === 'image' || family === 'video' || family === 'audio') return family
  if (/zip|tar|gzip|compressed/.test(mimeType)) return 'archive'
  if (family === 'text' || /json|xml|pdf|document/.test(mimeType)) return 'text'
  return 'file'
}
