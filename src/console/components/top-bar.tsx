import { CodeXml, FolderUp, Keyboard, LogOut, Monitor, Moon, Sun, Upload } from 'lucide-react'
import type { Ref } from 'react'
import { useUsage } from '../files/records.ts'
import { formatBytes, plural } from '../format.ts'
import { session, subjectOf } from '../session.ts'
import { useStore } from '../store.ts'
import { nextTheme, theme } from '../theme.ts'
import { Bar, Button, IconButton } from './basics.tsx'
import { picksFolders } from './file-pickers.tsx'
import { Mark } from './mark.tsx'
import { SearchBox } from './search-box.tsx'
import { StorageBadge } from './storage-badge.tsx'

export function UsageMeter() {
  const usage = useUsage()
  if (!usage) return null
  const { bytes, files, quota, reservedBytes } = usage
  if (quota.bytes === null)
    return (
      <p className="usage" title={`${plural(files, 'file')} stored, without a quota`}>
        {plural(files, 'file')} · {formatBytes(bytes)}
      </p>
    )
  const fraction = quota.bytes === 0 ? 1 : (bytes + reservedBytes) / quota.bytes
  const tone = fraction >= 0.95 ? 'bad' : fraction >= 0.8 ? 'warn' : 'accent'
  const reserved = reservedBytes > 0 ? `, ${formatBytes(reservedBytes)} reserved by uploads` : ''
  const isReserved = reservedBytes > bytes
  return (
    <div className="usage metered" title={`${plural(files, 'file')}${reserved}`}>
      <p>
        <b>{formatBytes(bytes)}</b> of {formatBytes(quota.bytes)}
        {fraction >= 0.95 && (
          <span className="usage-word">{isReserved ? ' · remainder reserved by uploads' : ' · nearly full'}</span>
        )}
      </p>
      <Bar
        fraction={fraction}
        label="Storage used"
        tone={tone}
        reserved={quota.bytes === 0 ? 0 : reservedBytes / quota.bytes}
      />
    </div>
  )
}

const themeIcons = { system: Monitor, light: Sun, dark: Moon }

type Props = {
  searchRef: Ref<HTMLInputElement>
  onUpload: () => void
  onFolder: () => void
  onCode: () => void
  onKeys: () => void
  onSignOut: () => void
}

export function TopBar({ searchRef, onUpload, onFolder, onCode, onKeys, onSignOut }: Props) {
  const { token } = useStore(session)
  const { theme: chosen } = useStore(theme)
  const user = token ? subjectOf(token) : null
  return (
    <header className="top-bar">
      <div className="top-start">
        <a className="brand" href="#/files" aria-label="Postern, the list of files">
          <Mark />
          <span>Postern</span>
        </a>
        <StorageBadge />
      </div>
      <SearchBox inputRef={searchRef} />
      <div className="top-end">
        <UsageMeter />
        <div className="tools">
          {picksFolders && (
            <IconButton icon={FolderUp} className="only-wide" label="Upload a folder" onClick={onFolder} />
          )}
          <IconButton icon={CodeXml} className="only-wide" label="Code for this server" onClick={onCode} />
          <IconButton icon={Keyboard} className="only-wide" label="Keys" onClick={onKeys} />
          <IconButton icon={themeIcons[chosen]} label={`Colours: ${chosen}`} onClick={nextTheme} />
          {token && (
            <span className="user">
              {user && (
                <bdi className="user-name" title={`Signed in as ${user}`}>
                  {user}
                </bdi>
              )}
              <IconButton icon={LogOut} label={user ? `Sign out ${user}` : 'Sign out'} onClick={onSignOut} />
            </span>
          )}
        </div>
        <Button icon={Upload} tone="primary" className="upload-button" keys="u" onClick={onUpload}>
          Upload
        </Button>
      </div>
    </header>
  )
}
