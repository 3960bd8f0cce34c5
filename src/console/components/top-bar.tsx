import { useEffect, useState } from 'react'
import type { Ref } from 'react'
import type { Usage } from '../api.ts'
import { formatBytes, plural } from '../format.ts'
import { session, subjectOf } from '../session.ts'
import { useStore } from '../store.ts'
import { nextTheme, theme } from '../theme.ts'
import { Bar, IconButton } from './basics.tsx'
import { Icon, Mark } from './icons.tsx'

function UsageMeter({ usage }: { usage: Usage }) {
  const { bytes, files, quota } = usage
  const used = bytes + usage.reservedBytes
  if (quota.bytes === null)
    return (
      <p className="usage" title={`${plural(files, 'file')} stored`}>
        {plural(files, 'file')} · {formatBytes(bytes)}
      </p>
    )
  const fraction = quota.bytes === 0 ? 1 : used / quota.bytes
  const tone = fraction >= 0.95 ? 'bad' : fraction >= 0.8 ? 'warn' : 'accent'
  const reserved = usage.reservedBytes > 0 ? `, ${formatBytes(usage.reservedBytes)} reserved by uploads` : ''
  return (
    <div className="usage metered" title={`${plural(files, 'file')}${reserved}`}>
      <p>
        <b>{formatBytes(bytes)}</b> of {formatBytes(quota.bytes)}
        {fraction >= 0.95 && <span className="usage-word"> · nearly full</span>}
      </p>
      <Bar fraction={fraction} label="Storage used" tone={tone} />
    </div>
  )
}

/** Search as one types, a fifth of a second after the last key. */
function Search({ onSearch, inputRef }: { onSearch: (q: string) => void; inputRef: Ref<HTMLInputElement> }) {
  const [text, setText] = useState<string | null>(null)
  useEffect(() => {
    if (text === null) return
    const timer = setTimeout(() => onSearch(text.trim()), 200)
    return () => clearTimeout(timer)
  }, [text, onSearch])
  return (
    <search className="search">
      <Icon name="search" />
      <input
        ref={inputRef}
        type="search"
        dir="auto"
        placeholder="Search names"
        aria-label="Search names"
        aria-keyshortcuts="/"
        autoComplete="off"
        spellCheck={false}
        value={text ?? ''}
        onChange={(e) => setText(e.target.value)}
        onKeyDown={(e) => {
          if (e.key === 'Escape') setText('')
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </search>
  )
}

type TopBarProps = {
  usage: Usage | null
  searchRef: Ref<HTMLInputElement>
  onSearch: (q: string) => void
  onUpload: () => void
  onCode: () => void
  onKeys: () => void
  onSignOut: () => void
}

export function TopBar({ usage, searchRef, onSearch, onUpload, onCode, onKeys, onSignOut }: TopBarProps) {
  const { token } = useStore(session)
  const { theme: chosen } = useStore(theme)
  const user = token ? subjectOf(token) : null
  return (
    <header className="top-bar">
      <div className="brand-place">
        <a className="brand" href="./" aria-label="Postern, the list of files">
          <Mark />
          <span>Postern</span>
        </a>
      </div>
      <Search onSearch={onSearch} inputRef={searchRef} />
      <div className="top-end">
        {usage && <UsageMeter usage={usage} />}
        <div className="tools">
          <IconButton icon="code" label="Code for this server" onClick={onCode} />
          <IconButton icon="keys" className="only-wide" label="Keys" onClick={onKeys} />
          <IconButton icon={chosen} label={`Colours: ${chosen}`} onClick={nextTheme} />
          {token && (
            <span className="user">
              {user && (
                <bdi className="user-name" title={`Signed in as ${user}`}>
                  {user}
                </bdi>
              )}
              <IconButton icon="leave" label={user ? `Sign out ${user}` : 'Sign out'} onClick={onSignOut} />
            </span>
          )}
        </div>
        <button type="button" className="button primary upload-button" aria-keyshortcuts="u" onClick={onUpload}>
          <Icon name="upload" /> Upload
        </button>
      </div>
    </header>
  )
}
